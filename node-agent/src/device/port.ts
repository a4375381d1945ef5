import type { DeviceState, KnownState } from '../core/device-state.ts';
import type { Failure } from '../core/session.ts';

/** What a device is and can do, as probed when it was opened. */
export interface DeviceFacts {
  /** Migration protocol: `v1` is the migration region with NDMA, `v2` VFIO_DEVICE_FEATURE_MIGRATION. */
  readonly protocol: string;
  readonly vendorId: number;
  readonly deviceId: number;
  readonly subsystemVendorId: number;
  readonly subsystemId: number;
  readonly revisionId: number;
  readonly p2p: boolean;
  readonly preCopy: boolean;
  readonly resetSupported: boolean;
  /** It can log which memory it writes to. */
  readonly dmaLogging: boolean;
  /** v2: flags of VFIO_DEVICE_FEATURE_MIGRATION; v1: 0. */
  readonly migrationFlags: number;
  /** Bytes of the migration region; 0 for v2, which has none. */
  readonly regionSize: number;
  /** v1: largest segment that the region's data section takes, bytes. v2: largest piece, which nothing depends on. */
  readonly dataWindowSize: number;
}

/** What a v2 device has to hand out in pre-copy now, bytes (VFIO_MIG_GET_PRECOPY_INFO). */
export interface PrecopyInfo {
  /** To be 0, and loaded at the target, before pre-copy is left (V2-17). */
  readonly initialBytes: number;
  readonly dirtyBytes: number;
  /** New initial bytes have appeared (V2-20). */
  readonly reinit: boolean;
}

/** A range of I/O virtual addresses, bytes. */
export interface IovaRange {
  readonly iova: bigint;
  readonly length: bigint;
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

/** The device was RESET and runs, but what it lost by that could not all be given back. It is lost, not broken. */
export class AfterReset extends DeviceFailure {
  /** Its new one; empty when it cannot be told. */
  readonly incarnation: string;

  constructor(failure: Failure, incarnation: string, cause: unknown) {
    super(failure, 'Running', cause);
    this.incarnation = incarnation;
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
  /** Only in pre-copy and between segments; null where there is no such request, as for every v1 device. */
  precopyInfo(): Promise<PrecopyInfo | null>;
  /**
   * What the device gives only once it is stopped and pendingBytes() leaves out in pre-copy, bytes. 0 for v1, whose
   * estimate covers everything; UNKNOWN_STOP_COPY_BYTES when a v2 device cannot tell.
   */
  stopCopyBytes(): Promise<number>;
  /** What a device's own stream does not carry: PCI command, interrupt control. */
  readExternals(): Promise<Buffer>;
}

/** As QEMU does: a device that cannot tell is not taken for one that will be quick (V2-19). */
export const UNKNOWN_STOP_COPY_BYTES = 100 * 1024 ** 3;

/** A device that can log which memory it writes to; see `facts.dmaLogging`. */
export interface DmaLoggingDevice {
  readonly id: string;
  /** `pageSize` is a wish; resolves with the one in use. One log at a time, at most 256 ranges (V2-31). */
  startDmaLogging(ranges: readonly IovaRange[], pageSize: number): Promise<number>;
  /** Pages of the range that were written since the last report, one bit each, little-endian (V2-32, V2-33). */
  reportDmaLogging(range: IovaRange): Promise<Buffer>;
  stopDmaLogging(): Promise<void>;
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
export interface MigratableDevice extends SavingDevice, LoadingDevice, DmaLoggingDevice {
  /** null until the device could be opened. */
  readonly facts: DeviceFacts | null;
  /** Driver that the device is bound to, and how it is reached; empty until that was told. */
  readonly driver: string;
  readonly interface: string;
  /** Why the device does not answer now, or null. */
  readonly trouble: Failure | null;
  /** Why the device can be part of no migration although it answers, or null. */
  readonly unfit: Failure | null;
  /** Never rejects, always answers within its own bound. */
  observe(): Promise<DeviceObservation>;
  /** One legal arc; resolves when the device is in the new state. */
  arc(to: DeviceState): Promise<void>;
  /**
   * RESET; resolves with the new incarnation when the device is Running in its default state. `restore`: what
   * readExternals() gave, to be written behind it, for RESET clears it (V2-27); null for nothing. Rejects with
   * AfterReset when only what follows RESET failed.
   */
  reset(restore: Buffer | null): Promise<string>;
}

/** The devices of this node by id. */
export interface Devices {
  readonly all: readonly MigratableDevice[];
  get(id: string): MigratableDevice | null;
}
