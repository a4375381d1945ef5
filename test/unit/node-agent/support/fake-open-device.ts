import type { DeviceState } from '@transship/node-agent/internal/core/device-state';
import type { OpenDevice } from '@transship/node-agent/internal/device/door';
import type { DeviceFacts, PrecopyInfo } from '@transship/node-agent/internal/device/port';

/** An error as native rejects with. */
export const nativeError = (code: string): Error => Object.assign(new Error(`${code} of the test`), { code });

export const FACTS: DeviceFacts = {
  protocol: 'v2',
  vendorId: 0x15b3,
  deviceId: 0x101e,
  subsystemVendorId: 0x15b3,
  subsystemId: 1,
  revisionId: 0,
  p2p: true,
  preCopy: true,
  resetSupported: true,
  dmaLogging: true,
  migrationFlags: 7,
  regionSize: 0,
  dataWindowSize: 1024 * 1024,
};

/** What all duplicates of one open device share, the device itself. */
export class FakeHardware {
  state: DeviceState = 'Running';
  readonly config = Buffer.alloc(256);
  /** What was done to it, in order. */
  readonly happened: string[] = [];
  facts: DeviceFacts = FACTS;
  precopy: () => Promise<PrecopyInfo | null> = () => Promise.resolve(null);
  stopCopySize: () => Promise<number | null> = () => Promise.resolve(null);
  /** Every access fails with this, as of a device that was unplugged. */
  gone: Error | null = null;

  constructor() {
    this.config.writeUInt16LE(0x0010, 0x06); // status: there is a list of capabilities
    this.config.writeUInt8(0x40, 0x34);
    this.config.writeUInt16LE(0x0011, 0x40); // MSI-X, the last of the list
  }

  get command(): number {
    return this.config.readUInt16LE(0x04);
  }

  set command(value: number) {
    this.config.writeUInt16LE(value, 0x04);
  }

  get msixControl(): number {
    return this.config.readUInt16LE(0x42);
  }

  set msixControl(value: number) {
    this.config.writeUInt16LE(value, 0x42);
  }
}

/** One duplicate of an open device. */
export class FakeOpenDevice implements OpenDevice {
  readonly info: DeviceFacts;
  connected = true;
  closed = false;
  readonly #hardware: FakeHardware;
  readonly #beforeReset: () => void;

  /** `beforeReset`: what who keeps the device does; throws when it refuses. */
  constructor(hardware: FakeHardware, beforeReset: () => void = () => undefined) {
    this.#hardware = hardware;
    this.info = hardware.facts;
    this.#beforeReset = beforeReset;
  }

  state(): Promise<DeviceState> {
    return this.#do('', () => this.#hardware.state);
  }

  arc(to: DeviceState): Promise<void> {
    return this.#do(`arc ${to} at command ${this.#hardware.command}`, () => {
      this.#hardware.state = to;
    });
  }

  async reset(): Promise<void> {
    this.#beforeReset();
    await this.#do('reset', () => {
      Object.assign(this.#hardware, { state: 'Running', command: 0, msixControl: 0 });
    });
  }

  nextSegment(): Promise<{ readonly size: number }> {
    return this.#do('', () => ({ size: 0 }));
  }

  readSegment(): Promise<never> {
    return Promise.reject(nativeError('TRANSSHIP_NO_SEGMENT'));
  }

  pendingBytes(): Promise<number> {
    return this.#do('', () => 0);
  }

  precopyInfo(): Promise<PrecopyInfo | null> {
    return this.#hardware.precopy();
  }

  stopCopySize(): Promise<number | null> {
    return this.#hardware.stopCopySize();
  }

  beginSegment(): Promise<void> {
    return Promise.resolve();
  }

  writeSegment(): Promise<void> {
    return Promise.resolve();
  }

  commitSegment(): Promise<void> {
    return Promise.resolve();
  }

  readConfig(offset: number, length: number): Promise<Buffer> {
    return this.#do('', () => Buffer.from(this.#hardware.config.subarray(offset, offset + length)));
  }

  writeConfig(offset: number, data: Uint8Array): Promise<void> {
    return this.#do(`config ${offset}`, () => this.#hardware.config.set(data, offset));
  }

  startDmaLogging(_ranges: readonly unknown[], pageSize: number): Promise<number> {
    return this.#do('log on', () => pageSize);
  }

  reportDmaLogging(): Promise<Buffer> {
    return this.#do('', () => Buffer.alloc(1));
  }

  stopDmaLogging(): Promise<void> {
    return this.#do('log off', () => undefined);
  }

  close(): Promise<void> {
    this.closed = true;
    this.connected = false;
    return Promise.resolve();
  }

  #do<T>(what: string, work: () => T): Promise<T> {
    const { gone, happened } = this.#hardware;
    if (gone !== null) {
      this.connected = false;
      return Promise.reject(gone);
    }
    if (what !== '') happened.push(what);
    return Promise.resolve(work());
  }
}
