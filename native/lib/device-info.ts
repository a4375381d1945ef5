/** What a device is and can do; compared in preflight. */
export interface DeviceInfo {
  /** The migration protocol it was found to speak. */
  readonly protocol: 'v1';
  /** It can be quiesced (v1: NDMA capability), so it can move together with peers. */
  readonly p2p: boolean;
  /** It can hand out data while running. */
  readonly preCopy: boolean;
  /** VFIO_DEVICE_RESET works; a device without it must not be migrated (V1-12). */
  readonly resetSupported: boolean;
  /** Identity registers of PCI configuration space. */
  readonly vendorId: number;
  readonly deviceId: number;
  readonly subsystemVendorId: number;
  readonly subsystemId: number;
  readonly revisionId: number;
  /** Bytes of the migration region. */
  readonly regionSize: number;
  /** Bytes of it behind the registers. The device may take less: beginSegment() finds out. */
  readonly dataWindowSize: number;
  /** Areas of the region that this process has mapped, in bytes from the region's start; empty without mapping. */
  readonly mmapAreas: readonly { readonly offset: number; readonly size: number }[];
}
