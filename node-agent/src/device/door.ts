import type { DeviceState } from '../core/device-state.ts';
import type { DeviceFacts, IovaRange, PrecopyInfo, SegmentPiece } from './port.ts';

/**
 * An open device, whatever door it was opened through: the part of native's device that is used here. Operations run
 * one after the other on the device's own thread and reject with native's error.
 */
export interface OpenDevice {
  readonly info: DeviceFacts;
  /** False once an operation has found that the device or its server is gone. */
  readonly connected: boolean;
  state(): Promise<DeviceState>;
  arc(to: DeviceState): Promise<void>;
  reset(): Promise<void>;
  nextSegment(): Promise<{ readonly size: number; readonly ended?: boolean }>;
  readSegment(maxLength: number): Promise<SegmentPiece>;
  pendingBytes(): Promise<number>;
  precopyInfo(): Promise<PrecopyInfo | null>;
  /** MIG_DATA_SIZE of a v2 device, bytes; null when it does not tell. */
  stopCopySize(): Promise<number | null>;
  beginSegment(size: number): Promise<void>;
  writeSegment(data: Uint8Array): Promise<void>;
  commitSegment(): Promise<void>;
  readConfig(offset: number, length: number): Promise<Buffer>;
  writeConfig(offset: number, data: Uint8Array): Promise<void>;
  startDmaLogging(ranges: readonly IovaRange[], pageSize: number): Promise<number>;
  reportDmaLogging(range: IovaRange): Promise<Buffer>;
  stopDmaLogging(): Promise<void>;
  /** Lets go of the device, whose state stays as it is. Bounded, whatever the device is doing. */
  close(): Promise<void>;
}

/** How often this process has opened and reset a device. */
export interface OwnCounts {
  readonly opens: number;
  readonly resets: number;
}

/** What is said of a device by what keeps it open. */
export interface Keeper {
  /** Changes whenever the device may have lost its state. */
  readonly incarnation: string;
  /** Driver that the device is bound to. */
  readonly driver: string;
  /** `cdev`, `group` or `vfio-user`. */
  readonly interface: string;
  /** Name of the process of a virtual machine monitor that holds the device, or who else may be one; null for none. */
  readonly vmm: string | null;
  /** What this process has open is of a device that is gone: it is to be let go of and opened anew. */
  readonly stale: boolean;
}

/** The way to one device. */
export interface DeviceDoor {
  /** Rejects with native's error. Never resets a device that is open elsewhere. */
  open(): Promise<OpenDevice>;
  /** Resets the device through who keeps it, so that its incarnation changes. Rejects with native's error. */
  reset(device: OpenDevice): Promise<void>;
  /** Rejects when nobody can tell. */
  ask(counts: OwnCounts): Promise<Keeper>;
}
