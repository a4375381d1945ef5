/** What a v2 device has to hand out in pre-copy (VFIO_MIG_GET_PRECOPY_INFO): estimates, in bytes. */
export interface PrecopyInfo {
  /** Should be zero, and loaded at the target, before pre-copy is left (V2-17). */
  readonly initialBytes: number;
  readonly dirtyBytes: number;
  /** New initial bytes have appeared, so that V2-17 applies again (V2-20). */
  readonly reinit: boolean;
}
