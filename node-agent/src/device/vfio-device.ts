import { within } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { failure } from '../contract/failure.ts';
import type { DeviceState } from '../core/device-state.ts';
import type { Failure } from '../core/session.ts';
import { FreshAnswer } from '../fresh-answer.ts';
import type { DeviceDoor, Keeper, OpenDevice } from './door.ts';
import { clearBusMaster, readExternals, writeExternals } from './externals.ts';
import {
  isConnectionGone,
  isNotMigratable,
  isNotSaving,
  isViolation,
  toDeviceFailure,
  toTrouble,
} from './native-failure.ts';
import type { Activity } from './native-failure.ts';
import { AfterReset, DeviceFailure, UNKNOWN_STOP_COPY_BYTES } from './port.ts';
import type {
  DeviceFacts,
  DeviceObservation,
  IovaRange,
  MigratableDevice,
  NextSegment,
  PrecopyInfo,
  SegmentPiece,
} from './port.ts';

export interface VfioDeviceOptions {
  readonly id: string;
  readonly door: DeviceDoor;
  readonly clock: Clock;
}

/** How long observe() waits for the device's own thread, ms. */
const OBSERVE_TIMEOUT_MS = 2_000;
const UNKNOWN: DeviceObservation = { state: 'Unknown', incarnation: '' };

/**
 * A device behind a door. Opened at first use and again when what keeps it went away and came back; the device keeps
 * its state meanwhile or says by its incarnation that it did not.
 */
export class VfioDevice implements MigratableDevice {
  readonly id: string;
  readonly #options: VfioDeviceOptions;
  #open: Promise<OpenDevice> | null = null;
  readonly #observation = new FreshAnswer(() => this.#look());
  #facts: DeviceFacts | null = null;
  #trouble: Failure | null;
  #keeper: Keeper | null = null;
  /** Incarnation of the device when it was found to have no migration protocol. */
  #plainIn: string | null = null;
  #opens = 0;
  #resets = 0;
  #closed = false;

  constructor(options: VfioDeviceOptions) {
    this.id = options.id;
    this.#options = options;
    this.#trouble = failure('DeviceUnreachable', 'it was not opened yet', options.id);
  }

  get facts(): DeviceFacts | null {
    return this.#facts;
  }

  get driver(): string {
    return this.#keeper?.driver ?? '';
  }

  get interface(): string {
    return this.#keeper?.interface ?? '';
  }

  get trouble(): Failure | null {
    return this.#trouble;
  }

  get unfit(): Failure | null {
    if (this.#plainIn !== null) {
      const why = `${this.id} offers no migration protocol (driver ${this.driver})`;
      return failure('DeviceNotMigratable', why, this.id);
    }
    const vmm = this.#keeper?.vmm ?? null;
    return vmm === null ? null : failure('OwnedByVmm', `${this.id} is held by ${vmm}`, this.id);
  }

  /** Reads state and incarnation after this call was made; `Unknown` when the device is too busy to answer in time. */
  observe(): Promise<DeviceObservation> {
    return within(this.#options.clock, OBSERVE_TIMEOUT_MS, this.#observation.ask(), UNKNOWN);
  }

  /** A device that is to be loaded loses bus mastering first; its externals, which come last, give it back (V2-36). */
  arc(to: DeviceState): Promise<void> {
    return this.#run('arc', async (device) => {
      if (to === 'Resuming') await clearBusMaster(device);
      await device.arc(to);
    });
  }

  async reset(restore: Buffer | null): Promise<string> {
    await this.#run('reset', async (device) => {
      await this.#options.door.reset(device);
      this.#resets += 1;
    });
    const [restored] = await Promise.allSettled([restore === null ? null : this.writeExternals(restore)]);
    // After that: it may have had to open the device anew.
    const [asked] = await Promise.allSettled([this.#ask()]);
    const incarnation = asked.status === 'fulfilled' ? asked.value.incarnation : '';
    for (const step of [restored, asked]) {
      if (step.status === 'fulfilled') continue;
      const what =
        step === restored ? 'what RESET cleared cannot be restored' : 'its incarnation cannot be told';
      const why = `${this.id} was reset, but ${what}: ${(step.reason as Error).message}`;
      throw new AfterReset(failure('DeviceStateLost', why, this.id), incarnation, step.reason);
    }
    return incarnation;
  }

  nextSegment(): Promise<NextSegment> {
    return this.#run('saving', async (device) => ({ ended: false, ...(await device.nextSegment()) }));
  }

  readSegment(maxLength: number): Promise<SegmentPiece> {
    return this.#run('saving', (device) => device.readSegment(maxLength));
  }

  pendingBytes(): Promise<number> {
    return this.#run('saving', (device) => device.pendingBytes());
  }

  precopyInfo(): Promise<PrecopyInfo | null> {
    return this.#run('saving', (device) =>
      device.precopyInfo().catch((error: unknown) => {
        // Pre-copy ended while the question waited (V2-16).
        if (isNotSaving(error)) return null;
        throw error;
      }),
    );
  }

  stopCopyBytes(): Promise<number> {
    return this.#run('saving', async (device) => {
      if (device.info.protocol === 'v1') return 0;
      return (await device.stopCopySize().catch(() => null)) ?? UNKNOWN_STOP_COPY_BYTES;
    });
  }

  readExternals(): Promise<Buffer> {
    return this.#run('saving', readExternals);
  }

  beginSegment(size: number): Promise<void> {
    return this.#run('loading', (device) => device.beginSegment(size));
  }

  writeSegment(data: Buffer): Promise<void> {
    return this.#run('loading', (device) => device.writeSegment(data));
  }

  commitSegment(): Promise<void> {
    return this.#run('loading', (device) => device.commitSegment());
  }

  writeExternals(externals: Buffer): Promise<void> {
    return this.#run('loading', (device) => writeExternals(device, externals));
  }

  startDmaLogging(ranges: readonly IovaRange[], pageSize: number): Promise<number> {
    return this.#run('saving', (device) => device.startDmaLogging(ranges, pageSize));
  }

  reportDmaLogging(range: IovaRange): Promise<Buffer> {
    return this.#run('saving', (device) => device.reportDmaLogging(range));
  }

  stopDmaLogging(): Promise<void> {
    return this.#run('saving', (device) => device.stopDmaLogging());
  }

  /** Lets go of the device, whose state stays as it is. Bounded, whatever the device is doing. */
  async close(): Promise<void> {
    this.#closed = true;
    const device = await this.#open?.catch(() => null);
    await device?.close();
  }

  async #look(): Promise<DeviceObservation> {
    try {
      if (await this.#isStillPlain()) return UNKNOWN;
      const seen = await this.#read();
      // One that was opened anew meanwhile is looked at as what it is now.
      const { state, keeper } = seen.keeper.stale ? await this.#readAnew() : seen;
      this.#trouble = null;
      return { state, incarnation: keeper.incarnation };
    } catch (error) {
      if (isNotMigratable(error)) await this.#notePlain();
      else await this.#forgetWhenStale(error);
      this.#trouble = toTrouble(this.id, error);
      return UNKNOWN;
    }
  }

  async #read(): Promise<{ state: DeviceState; keeper: Keeper }> {
    const device = await this.#opened();
    const state = await device.state().catch(async (error: unknown) => {
      if (isViolation(error)) return 'Error' as const;
      throw error;
    });
    // After the state: a RESET in between then shows as another incarnation of the old state, never the reverse.
    return { state, keeper: await this.#ask() };
  }

  async #readAnew(): Promise<{ state: DeviceState; keeper: Keeper }> {
    await this.#letGo();
    return this.#read();
  }

  async #run<T>(activity: Activity, work: (device: OpenDevice) => Promise<T>): Promise<T> {
    try {
      return await work(await this.#opened());
    } catch (error) {
      await this.#forgetWhenGone(error);
      const found = toDeviceFailure(this.id, activity, error);
      if (found.state !== 'Unknown') throw found;
      const { state } = await this.observe();
      throw new DeviceFailure(found.failure, state, error);
    }
  }

  #opened(): Promise<OpenDevice> {
    if (this.#closed) return Promise.reject(new Error(`${this.id} was closed`));
    this.#open ??= this.#connect();
    return this.#open;
  }

  async #connect(): Promise<OpenDevice> {
    try {
      const device = await this.#options.door.open();
      this.#opens += 1;
      this.#facts = device.info;
      this.#trouble = null;
      this.#plainIn = null;
      return device;
    } catch (error) {
      this.#open = null;
      this.#trouble = toTrouble(this.id, error);
      throw error;
    }
  }

  async #ask(): Promise<Keeper> {
    this.#keeper = await this.#options.door.ask({ opens: this.#opens, resets: this.#resets });
    return this.#keeper;
  }

  /** A device without a migration protocol is asked again only when it was opened anew, perhaps by another driver. */
  async #isStillPlain(): Promise<boolean> {
    if (this.#plainIn === null) return false;
    return (await this.#ask()).incarnation === this.#plainIn;
  }

  async #notePlain(): Promise<void> {
    const keeper = await this.#ask().catch(() => null);
    this.#facts = null;
    this.#plainIn = keeper?.incarnation ?? '';
  }

  async #forgetWhenStale(error: unknown): Promise<void> {
    await this.#forgetWhenGone(error);
    const keeper = await this.#ask().catch(() => null);
    if (keeper?.stale === true) await this.#letGo();
  }

  /** After a broken connection the next use opens the device again. */
  async #forgetWhenGone(error: unknown): Promise<void> {
    if (!isConnectionGone(error)) return;
    const device = await this.#open?.catch(() => null);
    if (device === null || device === undefined || device.connected) return;
    await this.#letGo();
  }

  async #letGo(): Promise<void> {
    const device = await this.#open?.catch(() => null);
    this.#open = null;
    await device?.close().catch(() => undefined);
  }
}
