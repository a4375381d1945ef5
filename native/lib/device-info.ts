/** What a device is and can do; compared in preflight. */
export interface DeviceInfo {
  /** The migration protocol it was found to speak. */
  readonly protocol: 'v1' | 'v2';
  /** It can log the pages that it writes (VFIO_DEVICE_FEATURE_DMA_LOGGING_START). */
  readonly dmaLogging: boolean;
  /** v2: flags of VFIO_DEVICE_FEATURE_MIGRATION. v1: 0. */
  readonly migrationFlags: number;
  /** It can be quiesced (v1: NDMA capability, v2: VFIO_MIGRATION_P2P), so it can move together with peers. */
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
  /** v1: bytes of the migration region. v2 has none: 0. */
  readonly regionSize: number;
  /**
   * Largest segment, in bytes. v1: what the region has behind the registers; the device may take less, beginSegment()
   * finds out. v2: the largest piece of the stream that is handed out or taken at once.
   */
  readonly dataWindowSize: number;
  /** Areas of the region that this process has mapped, in bytes from the region's start; empty without mapping. */
  readonly mmapAreas: readonly { readonly offset: number; readonly size: number }[];
}
