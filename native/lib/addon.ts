/**
 * The addon as it is: every name and its order as in native/src/binding. What crosses is plain data; `null` stands
 * for what is deliberately absent. Arguments must be valid, the addon does not check them: {@link NativeDevice} does.
 */
import { createRequire } from 'node:module';
import { nativeArtifact } from './artifact.ts';
import type { DeviceInfo } from './device-info.ts';
import type { PrecopyInfo } from './precopy-info.ts';
import type { DeviceState } from './states.ts';

/** A device that a vfio-user server offers. `maxTransfer` 0 keeps to what is negotiated. */
export interface VfioUserDoor {
  readonly door: 'vfio-user';
  readonly path: string;
  readonly timeoutMs: number;
  readonly mmap: boolean;
  readonly maxTransfer: number;
}

/** A device of this machine's kernel. */
export interface KernelDoor {
  readonly door: 'kernel';
  readonly address: string;
  readonly interface: KernelInterface;
  readonly timeoutMs: number;
  readonly mmap: boolean;
}

/** Which of the kernel's ways to a device: its character device with an iommufd, or its group with a container. */
export type KernelInterface = 'auto' | 'cdev' | 'group';

/** A device that a broker holds. */
export interface BrokerDoor {
  readonly door: 'broker';
  readonly path: string;
  readonly name: string;
  readonly timeoutMs: number;
  readonly mmap: boolean;
}

/** binding/opener.hh: the ways to a device. */
export type Door = VfioUserDoor | KernelDoor | BrokerDoor;

export interface AddonPiece {
  readonly length: number;
  readonly crc32c: number;
  readonly last: boolean;
}

/** binding/device_object.hh. Every promise rejects with an `AddonError`. */
export interface DeviceHandle {
  open(): Promise<DeviceInfo>;
  /** To be called once. */
  close(): Promise<void>;
  connected(): boolean;
  state(): Promise<DeviceState>;
  rawState(): Promise<number>;
  arc(to: DeviceState): Promise<void>;
  reset(): Promise<void>;
  nextSegment(): Promise<{ size: number; ended: boolean }>;
  readSegment(into: Uint8Array): Promise<AddonPiece>;
  pendingBytes(): Promise<number>;
  beginSegment(size: number): Promise<void>;
  writeSegment(data: Uint8Array): Promise<void>;
  commitSegment(): Promise<void>;
  stopCopySize(): Promise<number | null>;
  precopyInfo(): Promise<PrecopyInfo | null>;
  startDmaLogging(
    ranges: readonly { readonly iova: bigint; readonly length: bigint }[],
    pageSize: number,
  ): Promise<number>;
  reportDmaLogging(range: { readonly iova: bigint; readonly length: bigint }): Promise<Buffer>;
  stopDmaLogging(): Promise<void>;
  readConfig(offset: number, into: Uint8Array): Promise<void>;
  writeConfig(offset: number, data: Uint8Array): Promise<void>;
  regionRead(index: number, offset: number, into: Uint8Array): Promise<void>;
  regionWrite(index: number, offset: number, data: Uint8Array): Promise<void>;
}

/** binding/addon.cc */
export interface Addon {
  readonly DeviceHandle: new (door: Door) => DeviceHandle;
  /** JSON as the broker sent it; `name` is empty for all devices. */
  brokerInfo(socketPath: string, name: string, timeoutMs: number): Promise<string>;
  crc32c(data: Uint8Array, seed: number): number;
  /** Only in the mutant build. */
  setMutant?(item: string | null): void;
}

let loaded: Addon | undefined;

/**
 * Loads the addon at first use, so that importing this package needs no build.
 * @throws {Error} that says how to build, when there is no build of the chosen variant.
 */
export function addon(): Addon {
  if (loaded === undefined) {
    const path = nativeArtifact('transship.node');
    try {
      loaded = createRequire(import.meta.url)(path) as Addon;
    } catch (cause) {
      throw new Error(`cannot load ${path}; build it with: npm run build --workspace native`, { cause });
    }
  }
  return loaded;
}
