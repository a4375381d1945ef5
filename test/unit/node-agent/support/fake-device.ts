import type { DeviceState, KnownState } from '@transship/node-agent/internal/core/device-state';
import type { Failure } from '@transship/node-agent/internal/core/session';
import { DeviceFailure } from '@transship/node-agent/internal/device/port';
import type {
  DeviceFacts,
  DeviceObservation,
  IovaRange,
  MigratableDevice,
  NextSegment,
  PrecopyInfo,
  SegmentPiece,
} from '@transship/node-agent/internal/device/port';
import { crc32c } from './crc32c.ts';

const FACTS: DeviceFacts = {
  protocol: 'v1',
  vendorId: 0x1234,
  deviceId: 0x7473,
  subsystemVendorId: 0x1234,
  subsystemId: 1,
  revisionId: 1,
  p2p: true,
  preCopy: true,
  resetSupported: true,
  dmaLogging: false,
  migrationFlags: 0,
  regionSize: 8192,
  dataWindowSize: 4096,
};

interface Switches {
  readonly failAt: ReadonlySet<KnownState>;
  readonly blockAt: ReadonlySet<KnownState>;
  readonly failRead: number;
  readonly failWrite: number;
  readonly failReset: boolean;
}

const HEALTHY: Switches = {
  failAt: new Set(),
  blockAt: new Set(),
  failRead: -1,
  failWrite: -1,
  failReset: false,
};

/** A device in memory that records what is done to it. Its constructors say what goes wrong with it. */
export class FakeDevice implements MigratableDevice {
  readonly id: string;
  facts: DeviceFacts | null = FACTS;
  driver = 'a-driver';
  interface = 'cdev';
  trouble: Failure | null = null;
  unfit: Failure | null = null;
  /** What it answers in pre-copy. */
  precopy: PrecopyInfo | null = null;
  stopCopySize = 0;
  state: KnownState = 'Running';
  life = 1;
  /** Operations in the order in which they reached the device. */
  readonly operations: string[] = [];
  /** Told of each operation as it reaches the device. */
  onOperation: (operation: string) => void = () => undefined;
  /** What it hands out while saving. */
  outgoing: Buffer[] = [];
  /** Bytes that were read from it. */
  bytesRead = 0;
  /** Segments that it has accepted. */
  readonly accepted: Buffer[] = [];
  externals = Buffer.from('externals');
  readonly #switches: Switches;
  #release = Promise.withResolvers<void>();
  /** Segment and byte of the next piece. */
  #segment = -1;
  #offset = 0;
  #open: { readonly size: number; readonly pieces: Buffer[] } | null = null;
  #gate: Promise<void> = Promise.resolve();

  private constructor(id: string, switches: Switches) {
    this.id = id;
    this.#switches = switches;
  }

  static healthy(id: string): FakeDevice {
    return new FakeDevice(id, HEALTHY);
  }

  static holding(id: string, segments: readonly Buffer[]): FakeDevice {
    const device = new FakeDevice(id, HEALTHY);
    device.outgoing = [...segments];
    return device;
  }

  /** Arcs to these states fail and leave it where it was. */
  static failingAt(id: string, ...states: KnownState[]): FakeDevice {
    return new FakeDevice(id, { ...HEALTHY, failAt: new Set(states) });
  }

  /** Arcs to these states do not return before release(). */
  static blockingAt(id: string, ...states: KnownState[]): FakeDevice {
    return new FakeDevice(id, { ...HEALTHY, blockAt: new Set(states) });
  }

  /** Reading a piece of this segment fails. */
  static failingRead(id: string, segments: readonly Buffer[], segment: number): FakeDevice {
    const device = new FakeDevice(id, { ...HEALTHY, failRead: segment });
    device.outgoing = [...segments];
    return device;
  }

  /** Writing into this segment fails. */
  static failingWrite(id: string, segment: number): FakeDevice {
    return new FakeDevice(id, { ...HEALTHY, failWrite: segment });
  }

  static failingReset(id: string): FakeDevice {
    return new FakeDevice(id, { ...HEALTHY, failReset: true });
  }

  /** Lets blocked arcs return. */
  release(): void {
    this.#release.resolve();
    this.#release = Promise.withResolvers();
  }

  /** Holds back every write until the returned function is called. */
  holdWrites(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    return resolve;
  }

  get incarnation(): string {
    return `life ${this.life}`;
  }

  observe(): Promise<DeviceObservation> {
    return Promise.resolve({
      state: this.state,
      incarnation: this.state === 'Unknown' ? '' : this.incarnation,
    });
  }

  async arc(to: DeviceState): Promise<void> {
    this.#record(`arc ${to}`);
    if (this.#switches.blockAt.has(to)) await this.#release.promise;
    if (this.#switches.failAt.has(to)) throw this.#failure('ArcFailed', `refused to go to ${to}`);
    this.state = to;
    if (to === 'PreCopy' || (to === 'StopCopy' && this.#segment < 0)) this.#segment = -1;
  }

  reset(restore: Buffer | null): Promise<string> {
    this.#record(restore === null ? 'reset' : `reset and ${restore.toString()}`);
    if (this.#switches.failReset) return Promise.reject(this.#failure('ResetFailed', 'refused the reset'));
    this.state = 'Running';
    this.life += 1;
    this.accepted.length = 0;
    return Promise.resolve(this.incarnation);
  }

  nextSegment(): Promise<NextSegment> {
    const next = this.outgoing[this.#segment + 1];
    if (next === undefined) {
      const isStopped = this.state === 'StopCopy' || this.state === 'Stop';
      return Promise.resolve({ size: 0, ended: isStopped });
    }
    this.#segment += 1;
    this.#offset = 0;
    return Promise.resolve({ size: next.length, ended: false });
  }

  readSegment(maxLength: number): Promise<SegmentPiece> {
    if (this.#segment === this.#switches.failRead) {
      return Promise.reject(this.#failure('DeviceError', `cannot read segment ${this.#segment}`));
    }
    const segment = this.outgoing[this.#segment] ?? Buffer.alloc(0);
    const data = segment.subarray(this.#offset, this.#offset + maxLength);
    this.#offset += data.length;
    this.bytesRead += data.length;
    return Promise.resolve({ data, crc32c: crc32c(data), last: this.#offset === segment.length });
  }

  pendingBytes(): Promise<number> {
    return Promise.resolve(
      this.outgoing.slice(this.#segment + 1).reduce((sum, { length }) => sum + length, 0),
    );
  }

  precopyInfo(): Promise<PrecopyInfo | null> {
    return Promise.resolve(this.precopy);
  }

  stopCopyBytes(): Promise<number> {
    return Promise.resolve(this.stopCopySize);
  }

  startDmaLogging(_ranges: readonly IovaRange[], pageSize: number): Promise<number> {
    return Promise.resolve(pageSize);
  }

  reportDmaLogging(): Promise<Buffer> {
    return Promise.resolve(Buffer.alloc(0));
  }

  stopDmaLogging(): Promise<void> {
    return Promise.resolve();
  }

  readExternals(): Promise<Buffer> {
    return Promise.resolve(this.externals);
  }

  async beginSegment(size: number): Promise<void> {
    await this.#gate;
    this.#open = { size, pieces: [] };
  }

  async writeSegment(data: Buffer): Promise<void> {
    await this.#gate;
    if (this.accepted.length === this.#switches.failWrite) {
      throw this.#failure('LoadRejected', `cannot take segment ${this.accepted.length}`);
    }
    this.#open?.pieces.push(Buffer.from(data));
  }

  commitSegment(): Promise<void> {
    const { size, pieces } = this.#open ?? { size: -1, pieces: [] };
    const segment = Buffer.concat(pieces);
    if (segment.length !== size)
      return Promise.reject(new Error(`${segment.length} of ${size} bytes were written`));
    this.accepted.push(segment);
    this.#open = null;
    return Promise.resolve();
  }

  writeExternals(externals: Buffer): Promise<void> {
    this.externals = Buffer.from(externals);
    return Promise.resolve();
  }

  #record(operation: string): void {
    this.operations.push(operation);
    this.onOperation(operation);
  }

  #failure(code: string, message: string): DeviceFailure {
    return new DeviceFailure({ code, message: `${this.id} ${message}`, device: this.id }, this.state, null);
  }
}

/** The devices of a node. */
export function fakeDevices(...all: FakeDevice[]) {
  return { all, get: (id: string): FakeDevice | null => all.find((device) => device.id === id) ?? null };
}
