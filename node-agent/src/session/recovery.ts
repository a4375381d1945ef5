import { within } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { failure } from '../contract/failure.ts';
import type { Failure } from '../core/session.ts';
import type { Devices, MigratableDevice } from '../device/port.ts';
import type { Workloads } from '../workload/freezer.ts';
import { messageOf } from './effects.ts';
import type { Bindings, Log } from './ports.ts';
import type { Quarantine, QuarantineEntry } from './quarantine.ts';

export interface RecoveryParts {
  readonly devices: Devices;
  readonly quarantine: Quarantine;
  readonly bindings: Pick<Bindings, 'boundBy'>;
  /** Lets ended sessions say no longer that a device is withheld. Rejects when that cannot be written. */
  readonly broughtBack: (deviceId: string) => Promise<void>;
  readonly workloads: Workloads;
  readonly clock: Clock;
  readonly log: Log;
}

/** A caller is answered by then; the device goes on with what it was told, ms. */
const ANSWER_MS = 60_000;

/** Brings a device out of quarantine when a person asks for it. */
export class Recovery {
  readonly #parts: RecoveryParts;
  readonly #underWay = new Set<string>();

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
  }

  /**
   * Resets a device that is in quarantine; what it held is gone, and a workload that uses it is told so. Answers null when it is Running and free, else why it
   * stays as it was: DeviceNotFound, NotQuarantined, DeviceBusy, ResetFailed, or DeviceStuck when there is no outcome
   * yet. `uid`: the migration for which the caller thinks that it is held, or empty. Never rejects.
   */
  async end(deviceId: string, uid: string): Promise<Failure | null> {
    const device = this.#parts.devices.get(deviceId);
    if (device === null) return failure('DeviceNotFound', `this node has no device ${deviceId}`, deviceId);
    const entry = this.#parts.quarantine.entry(deviceId);
    const refusal = this.#mayNot(deviceId, uid, entry);
    if (refusal !== null || entry === null) return refusal;
    const late = failure(
      'DeviceStuck',
      `${deviceId} has not come back from RESET; it leaves the quarantine if it does`,
      deviceId,
    );
    return within(this.#parts.clock, ANSWER_MS, this.#recover(device, entry), late);
  }

  #mayNot(deviceId: string, uid: string, entry: QuarantineEntry | null): Failure | null {
    if (entry === null) return failure('NotQuarantined', `${deviceId} is not in quarantine`, deviceId);
    if (uid !== '' && entry.uid !== uid) {
      const holder = entry.uid === '' ? 'no migration' : `migration ${entry.uid}`;
      return failure(
        'NotQuarantined',
        `${deviceId} is in quarantine for ${holder}, not for ${uid}`,
        deviceId,
      );
    }
    const owner = this.#parts.bindings.boundBy(deviceId, '');
    if (owner !== null) return failure('DeviceBusy', `${deviceId} belongs to migration ${owner}`, deviceId);
    if (!this.#underWay.has(deviceId)) return null;
    return failure('DeviceBusy', `${deviceId} is being recovered already`, deviceId);
  }

  async #recover(device: MigratableDevice, entry: QuarantineEntry): Promise<Failure | null> {
    const { log, quarantine } = this.#parts;
    this.#underWay.add(device.id);
    try {
      log.warn({ ...entry }, 'a device in quarantine is being reset');
      const why = await reset(device);
      if (why === null) await this.#tellWorkload(device.id);
      // The list comes last: a device that is not in it cannot be brought back once more.
      if (why === null) await this.#parts.broughtBack(device.id);
      if (why === null) await quarantine.release(device.id);
      if (why === null) log.info({ device: device.id }, 'a device has left the quarantine');
      else log.error({ device: device.id, failure: why }, 'a device stays in quarantine');
      return why;
    } catch (error) {
      // The list cannot be written: what a crash would bring back is not given away.
      const message = `${device.id} was reset, and the end of its quarantine cannot be written: ${messageOf(error)}`;
      log.error({ device: device.id, error: messageOf(error) }, 'a device stays in quarantine');
      return failure('Internal', message, device.id);
    } finally {
      this.#underWay.delete(device.id);
    }
  }

  /** One that cannot be told holds the device in no quarantine: it may be about to end. */
  async #tellWorkload(deviceId: string): Promise<void> {
    try {
      const workload = this.#parts.workloads.of([deviceId]);
      const state = await workload.state();
      if (state === 'running' || state === 'frozen') await workload.devicesReset([deviceId]);
    } catch (error) {
      const facts = { device: deviceId, error: messageOf(error) };
      this.#parts.log.warn(facts, 'no workload was told that its device was reset');
    }
  }
}

async function reset(device: MigratableDevice): Promise<Failure | null> {
  const { id } = device;
  try {
    await device.reset(null);
  } catch (error) {
    return failure('ResetFailed', messageOf(error), id);
  }
  const { state } = await device.observe();
  return state === 'Running'
    ? null
    : failure('ResetFailed', `${id} is ${state} after RESET, not Running`, id);
}
