/**
 * Devices for Node: opens a VFIO device, drives its migration state, reads and writes its migration data. C++ does the
 * work, on one thread per device.
 */
export { nativeArtifact, type NativeArtifact, type NativeVariant } from './artifact.ts';
export {
  brokerInfo,
  openBrokered,
  type BrokeredDevice,
  type BrokerHolder,
  type BrokerOptions,
} from './broker.ts';
export { crc32c } from './crc32c.ts';
export type { DeviceInfo } from './device-info.ts';
export type { IovaRange, NativeDevice, NextSegment, SegmentPiece } from './device.ts';
export { NativeError, nativeErrorCodes, type NativeErrorCode } from './errors.ts';
export { openKernel, type KernelOptions } from './kernel.ts';
export { setMutant } from './mutant.ts';
export type { PrecopyInfo } from './precopy-info.ts';
export { deviceStates, type DeviceState } from './states.ts';
export { openVfioUser, type OpenOptions } from './vfio-user.ts';
