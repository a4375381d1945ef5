import type { DeviceState, KnownState } from '../core/device-state.ts';
import type { Failure } from '../core/session.ts';

/** What a device is and can do, as probed when it was opened. */
export interface DeviceFacts {
  /** Migration protocol: `v1` is the migration region with NDMA. */
  readonly protocol: string;
  readonly vendorId: number;
  readonly deviceId: number;
  readonly subsystemVendorId: number;
  readonly subsystemId: number;
  readonly revisionId: number;
  readonly p2p: boolean;
  readonly preCopy: boolean;
  readonly resetSupported: boolean;
  /** Bytes of the migration region. */
  readonly regionSize: number;
  /** Largest segment that its data section takes, bytes. */
  readonly dataWindowSize: number;
}

/** What a device said of itself at one moment. */
export interface DeviceObservation {
  /** `Unknown` when it did not answer in time. */
  readonly state: KnownState;
  /** Changes whenever the device may have lost its state; empty when it could not be told. */
  readonly incarnation: string;
}

/** Answer to the question for the next segment; `ended` only when the device is stopped and has no more. */
export type NextSegment = { readonly size: number; readonly ended: boolean };

export interface SegmentPiece {
  readonly data: Buffer;
  /** CRC32C of exactly these bytes. */
  readonly crc32c: number;
  /** The segment ends with this piece. */
  readonly last: boolean;
}

/** Why an operation on a device failed, and where it left the device. */
export class DeviceFailure extends Error {
  override readonly name = 'DeviceFailure';
  readonly failure: Failure;
  /** Read again after the failure; `Unknown` when that was not possible. */
  readonly state: KnownState;

  constructor(failure: Failure, state: KnownState, cause: unknown) {
    super(failure.message, { cause });
    this.failure = failure;
    this.state = state;
  }
}

/** The saving half of a device: only between an arc into PreCopy or StopCopy and the one out of it. */
export interface SavingDevice {
  readonly id: string;
  /** Acknowledges the segment before. A size of 0 without `ended`: nothing now, ask again later (V1-37). */
  nextSegment(): Promise<NextSegment>;
  /** Next piece of the current segment, at most `maxLength` bytes. */
  readSegment(maxLength: number): Promise<SegmentPiece>;
  /** Estimate of what is still to come, bytes. Only between segments (V1-43). */
  pendingBytes(): Promise<number>;
  /** What a device's own stream does not carry: PCI command, interrupt control. */
  readExternals(): Promise<Buffer>;
}

/** The loading half: only in Resuming. */
export interface LoadingDevice {
  readonly id: string;
  /** Rejects with StreamTooLarge when the device cannot take a segment of this size: it is never split (V1-52). */
  beginSegment(size: number): Promise<void>;
  writeSegment(data: Buffer): Promise<void>;
  /** The device has accepted the segment when this resolves. */
  commitSegment(): Promise<void>;
  writeExternals(externals: Buffer): Promise<void>;
}

/**
 * One device of this node. Operations run one after the other on the device's own thread; those that fail
 * reject with DeviceFailure. An operation cannot be taken back once it is out: whoever waits sets the deadline.
 */
export interface MigratableDevice extends SavingDevice, LoadingDevice {
  /** null until the device could be opened. */
  readonly facts: DeviceFacts | null;
  /** Why the device cannot be used now, or null. */
  readonly trouble: string | null;
  /** Never rejects, always answers within its own bound. */
  observe(): Promise<DeviceObservation>;
  /** One legal arc; resolves when the device is in the new state. */
  arc(to: DeviceState): Promise<void>;
  /** RESET; resolves with the new incarnation when the device is Running in its default state. */
  reset(): Promise<string>;
}

/** The devices of this node by id. */
export interface Devices {
  readonly all: readonly MigratableDevice[];
  get(id: string): MigratableDevice | null;
}
