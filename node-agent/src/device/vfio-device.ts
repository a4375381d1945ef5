import { openVfioUser } from '@transship/native';
import type { NativeDevice } from '@transship/native';
import { within } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { failure } from '../contract/failure.ts';
import type { DeviceState } from '../core/device-state.ts';
import { FreshAnswer } from '../fresh-answer.ts';
import { readExternals, writeExternals } from './externals.ts';
import type { IncarnationSource } from './incarnation.ts';
import { isConnectionGone, isViolation, toDeviceFailure } from './native-failure.ts';
import type { Activity } from './native-failure.ts';
import { DeviceFailure } from './port.ts';
import type { DeviceFacts, DeviceObservation, MigratableDevice, NextSegment, SegmentPiece } from './port.ts';

export interface VfioDeviceOptions {
  readonly id: string;
  /** Socket of the vfio-user server. */
  readonly socketPath: string;
  readonly incarnation: IncarnationSource;
  readonly clock: Clock;
}

/** Connecting and the first exchange, ms. */
const OPEN_TIMEOUT_MS = 2_000;
/** How long observe() waits for the device's own thread, ms. */
const OBSERVE_TIMEOUT_MS = 2_000;
const UNKNOWN: DeviceObservation = { state: 'Unknown', incarnation: '' };

/**
 * A device behind a vfio-user socket. Opened at first use and again when its server went away and came back; the
 * device keeps its state meanwhile or says by its incarnation that it did not.
 */
export class VfioDevice implements MigratableDevice {
  readonly id: string;
  readonly #options: VfioDeviceOptions;
  #native: Promise<NativeDevice> | null = null;
  readonly #observation = new FreshAnswer(() => this.#look());
  #facts: DeviceFacts | null = null;
  #trouble: string | null = 'it was not opened yet';
  #opens = 0;
  #resets = 0;
  #closed = false;

  constructor(options: VfioDeviceOptions) {
    this.id = options.id;
    this.#options = options;
  }

  get facts(): DeviceFacts | null {
    return this.#facts;
  }

  get trouble(): string | null {
    return this.#trouble;
  }

  /** Reads state and incarnation after this call was made; `Unknown` when the device is too busy to answer in time. */
  observe(): Promise<DeviceObservation> {
    return within(this.#options.clock, OBSERVE_TIMEOUT_MS, this.#observation.ask(), UNKNOWN);
  }

  arc(to: DeviceState): Promise<void> {
    return this.#run('arc', (native) => native.arc(to));
  }

  async reset(): Promise<string> {
    await this.#run('reset', (native) => native.reset());
    this.#resets += 1;
    try {
      return await this.#incarnation();
    } catch (cause) {
      const why = `after RESET the incarnation of ${this.id} cannot be told`;
      throw new DeviceFailure(failure('ResetFailed', why, this.id), 'Running', cause);
    }
  }

  nextSegment(): Promise<NextSegment> {
    return this.#run('saving', async (native) => ({ ended: false, ...(await native.nextSegment()) }));
  }

  readSegment(maxLength: number): Promise<SegmentPiece> {
    return this.#run('saving', (native) => native.readSegment(maxLength));
  }

  pendingBytes(): Promise<number> {
    return this.#run('saving', (native) => native.pendingBytes());
  }

  readExternals(): Promise<Buffer> {
    return this.#run('saving', readExternals);
  }

  beginSegment(size: number): Promise<void> {
    return this.#run('loading', (native) => native.beginSegment(size));
  }

  writeSegment(data: Buffer): Promise<void> {
    return this.#run('loading', (native) => native.writeSegment(data));
  }

  commitSegment(): Promise<void> {
    return this.#run('loading', (native) => native.commitSegment());
  }

  writeExternals(externals: Buffer): Promise<void> {
    return this.#run('loading', (native) => writeExternals(native, externals));
  }

  /** Lets go of the device, whose state stays as it is. Bounded, whatever the device is doing. */
  async close(): Promise<void> {
    this.#closed = true;
    const native = await this.#native?.catch(() => null);
    await native?.close();
  }

  async #look(): Promise<DeviceObservation> {
    try {
      const native = await this.#open();
      const state = await native.state().catch((error: unknown) => {
        if (isViolation(error)) return 'Error' as const;
        throw error;
      });
      // After the state: a RESET in between then shows as another incarnation of the old state, never the reverse.
      return { state, incarnation: await this.#incarnation() };
    } catch (error) {
      await this.#forgetWhenGone(error);
      this.#trouble = (error as Error).message;
      return UNKNOWN;
    }
  }

  async #run<T>(activity: Activity, work: (native: NativeDevice) => Promise<T>): Promise<T> {
    try {
      return await work(await this.#open());
    } catch (error) {
      await this.#forgetWhenGone(error);
      const found = toDeviceFailure(this.id, activity, error);
      if (found.state !== 'Unknown') throw found;
      const { state } = await this.observe();
      throw new DeviceFailure(found.failure, state, error);
    }
  }

  #open(): Promise<NativeDevice> {
    if (this.#closed) return Promise.reject(new Error(`${this.id} was closed`));
    this.#native ??= this.#connect();
    return this.#native;
  }

  async #connect(): Promise<NativeDevice> {
    try {
      const native = await openVfioUser(this.#options.socketPath, { timeoutMs: OPEN_TIMEOUT_MS });
      this.#opens += 1;
      this.#facts = native.info;
      this.#trouble = null;
      return native;
    } catch (error) {
      this.#native = null;
      this.#trouble = (error as Error).message;
      throw error;
    }
  }

  /** After a broken connection the next use opens the device again. */
  async #forgetWhenGone(error: unknown): Promise<void> {
    if (!isConnectionGone(error)) return;
    const native = await this.#native?.catch(() => null);
    if (native === null || native === undefined || native.connected) return;
    this.#native = null;
    await native.close().catch(() => undefined);
  }

  #incarnation(): Promise<string> {
    return this.#options.incarnation.read(this.#opens, this.#resets);
  }
}
