import type { DeviceHandle } from './addon.ts';
import { checkRange, checkUint64 } from './arguments.ts';
import type { DeviceInfo } from './device-info.ts';
import { invalidArgument, translate } from './errors.ts';
import type { PrecopyInfo } from './precopy-info.ts';
import type { DeviceState } from './states.ts';

/** Largest buffer of one call: bounds what a caller's typing error can allocate. */
const maxPiece = 64 * 1024 * 1024;

/** The next segment of a saving device, or that there is none now, or (`ended`) none any more. */
export type NextSegment = { readonly size: number } | { readonly size: 0; readonly ended: boolean };

/** A piece of a segment. */
export interface SegmentPiece {
  readonly data: Buffer;
  /** CRC-32C of exactly this piece. */
  readonly crc32c: number;
  /** It is the last of its segment. */
  readonly last: boolean;
}

/** A range of I/O virtual addresses, in bytes. */
export interface IovaRange {
  readonly iova: bigint;
  readonly length: bigint;
}

/**
 * One open device. Everything runs on the device's own thread, in the order of the calls; promises settle in that
 * order and the event loop is never blocked. A call cannot be cancelled once it has reached the device: put a deadline
 * on top of it, report the device as stuck, and wait or close(). Every promise rejects with {@link NativeError}.
 *
 * A fault of any access ends the open stream (V1-54): the call rejects with the device's error, later ones with
 * TRANSSHIP_SESSION_FAILED until another stream begins or the device is reset.
 */
export class NativeDevice {
  readonly path: string;
  readonly info: DeviceInfo;
  readonly #handle: DeviceHandle;
  #closing: Promise<void> | undefined;

  /** Use `openVfioUser`. */
  constructor(path: string, handle: DeviceHandle, info: DeviceInfo) {
    this.path = path;
    this.#handle = handle;
    this.info = info;
  }

  /** False after close() and once an operation has found the connection broken. */
  get connected(): boolean {
    return this.#handle.connected();
  }

  /**
   * Reads the state. Allowed at any time, changes nothing.
   * @throws TRANSSHIP_DRIVER_VIOLATION for a value that is never valid.
   */
  state(): Promise<DeviceState> {
    return this.#call('state', this.#handle.state());
  }

  /** The whole state register, uninterpreted: diagnostics and tests. */
  rawState(): Promise<number> {
    return this.#call('rawState', this.#handle.rawState());
  }

  /**
   * Brings the device over ONE legal arc (native/src/migration/arc_v1.hh, v2_arc.hh). Success means that it is there.
   * Being there already is success. A v1 segment that is not fully read is collected into memory first (V1-43).
   * @throws TRANSSHIP_ILLEGAL_ARC, TRANSSHIP_NO_P2P, TRANSSHIP_SEGMENT_OPEN (an uncommitted segment while resuming):
   * nothing was written. TRANSSHIP_ARC_REFUSED: the error's `state` is where the device is now, for v1 where it was.
   * TRANSSHIP_LOAD_REJECTED: leaving Resuming failed. TRANSSHIP_DEVICE_ERROR, TRANSSHIP_DRIVER_VIOLATION,
   * TRANSSHIP_FOREIGN_STATE_CHANGE: only reset() helps.
   */
  arc(to: DeviceState): Promise<void> {
    return this.#call('arc', this.#handle.arc(to));
  }

  /**
   * Saving: acknowledges the previous segment and asks for the next. Size 0 without `ended` means that a running device
   * has nothing now; ask again later.
   * @throws TRANSSHIP_SEGMENT_OPEN while pieces are left, TRANSSHIP_NOT_SAVING, TRANSSHIP_NO_PROGRESS,
   * TRANSSHIP_DRIVER_VIOLATION for a segment outside of the region.
   */
  async nextSegment(): Promise<NextSegment> {
    const next = await this.#call('nextSegment', this.#handle.nextSegment());
    return next.size > 0 ? { size: next.size } : { size: 0, ended: next.ended };
  }

  /**
   * Saving: reads the next piece of the current segment, at most `maxLength` bytes (1 to 64 MiB).
   * @throws TRANSSHIP_NO_SEGMENT when there is none.
   */
  async readSegment(maxLength: number): Promise<SegmentPiece> {
    this.#checkRange('readSegment', 'maxLength', maxLength, 1, maxPiece);
    // Not zeroed and not from the shared pool: the device's thread fills it, and what it does not fill is cut off.
    const into = Buffer.allocUnsafeSlow(Math.min(maxLength, this.info.dataWindowSize));
    const piece = await this.#call('readSegment', this.#handle.readSegment(into));
    return { data: into.subarray(0, piece.length), crc32c: piece.crc32c, last: piece.last };
  }

  /**
   * Saving: the device's estimate of what is left, in bytes. Volatile, may grow.
   * @throws TRANSSHIP_SEGMENT_OPEN while a segment is not fully read, TRANSSHIP_NOT_SAVING.
   */
  pendingBytes(): Promise<number> {
    return this.#call('pendingBytes', this.#handle.pendingBytes());
  }

  /**
   * Resuming: begins a segment of exactly `size` bytes, the size that it had at the source.
   * @throws TRANSSHIP_SEGMENT_TOO_LARGE: nothing was written, and it must not be split. TRANSSHIP_NOT_RESUMING.
   */
  async beginSegment(size: number): Promise<void> {
    this.#checkRange('beginSegment', 'size', size, 1, Number.MAX_SAFE_INTEGER);
    await this.#call('beginSegment', this.#handle.beginSegment(size));
  }

  /** Resuming: writes the next piece. `data` must not change until the promise settles. */
  async writeSegment(data: Uint8Array): Promise<void> {
    await this.#call('writeSegment', this.#handle.writeSegment(data));
  }

  /**
   * Resuming: hands the segment to the device; success means that the device accepted it.
   * @throws TRANSSHIP_SEGMENT_INCOMPLETE when bytes are missing: nothing was written.
   */
  commitSegment(): Promise<void> {
    return this.#call('commitSegment', this.#handle.commitSegment());
  }

  /**
   * VFIO_DEVICE_RESET, from any state; success means that the device is in Running (V1-11). An open stream ends.
   * @throws TRANSSHIP_RESET_FAILED, TRANSSHIP_RESET_UNSUPPORTED.
   */
  reset(): Promise<void> {
    return this.#call('reset', this.#handle.reset());
  }

  /**
   * v2, in any state: the device's estimate of what StopCopy will hand out, in bytes; pre-copy info says nothing of it
   * (V2-18). Null where the device does not tell, and for every v1 device, whose pendingBytes() covers everything.
   */
  stopCopySize(): Promise<number | null> {
    return this.#call('stopCopySize', this.#handle.stopCopySize());
  }

  /**
   * v2 in PreCopy or PreCopyP2P: what waits to be read now. Null for a v1 device, and where the way to the device has
   * no such request.
   * @throws TRANSSHIP_NOT_SAVING in other states.
   */
  precopyInfo(): Promise<PrecopyInfo | null> {
    return this.#call('precopyInfo', this.#handle.precopyInfo());
  }

  /**
   * Starts the log of the pages that the device writes in `ranges` (1 to 256 of them). `pageSize` is a wish, a power of
   * two; resolves to the size that the device uses (V2-31). A device has one log, which ends with stopDmaLogging().
   * @throws TRANSSHIP_ACCESS_FAILED with ENOTTY where `info.dmaLogging` is false; TRANSSHIP_INVALID_ARGUMENT.
   */
  async startDmaLogging(ranges: readonly IovaRange[], pageSize: number): Promise<number> {
    const operation = 'startDmaLogging';
    this.#checkRange(operation, 'the number of ranges', ranges.length, 1, 256);
    for (const range of ranges) {
      this.#checkIova(operation, range);
    }
    this.#checkRange(operation, 'pageSize', pageSize, 1, Number.MAX_SAFE_INTEGER);
    return this.#call(operation, this.#handle.startDmaLogging(ranges, pageSize));
  }

  /**
   * Pages of `range` that were written since they were reported last, one bit each: page n is bit n % 8 of byte n / 8.
   * `range` starts and ends at a page, and has at most 2^29 pages.
   * @throws When the report failed all memory counts as written (V2-33); then TRANSSHIP_SESSION_FAILED until the log was
   * stopped and started again.
   */
  async reportDmaLogging(range: IovaRange): Promise<Buffer> {
    this.#checkIova('reportDmaLogging', range);
    return this.#call('reportDmaLogging', this.#handle.reportDmaLogging(range));
  }

  /** Ends the log of written pages. Without one it does nothing. */
  stopDmaLogging(): Promise<void> {
    return this.#call('stopDmaLogging', this.#handle.stopDmaLogging());
  }

  /** PCI configuration space, usable in every state (V1-16). */
  async readConfig(offset: number, length: number): Promise<Buffer> {
    this.#checkRange('readConfig', 'offset', offset, 0, 0xffff);
    this.#checkRange('readConfig', 'length', length, 1, 0xffff);
    const into = Buffer.alloc(length);
    await this.#call('readConfig', this.#handle.readConfig(offset, into));
    return into;
  }

  /** PCI configuration space. `data` must not change until the promise settles. */
  async writeConfig(offset: number, data: Uint8Array): Promise<void> {
    this.#checkRange('writeConfig', 'offset', offset, 0, 0xffff);
    await this.#call('writeConfig', this.#handle.writeConfig(offset, data));
  }

  /** One read of exactly this width of any region, past every check of this class: for tests of devices. */
  async regionRead(index: number, offset: number, length: number): Promise<Buffer> {
    this.#checkRange('regionRead', 'index', index, 0, 2 ** 32 - 1);
    this.#checkRange('regionRead', 'offset', offset, 0, Number.MAX_SAFE_INTEGER);
    this.#checkRange('regionRead', 'length', length, 1, maxPiece);
    const into = Buffer.alloc(length);
    await this.#call('regionRead', this.#handle.regionRead(index, offset, into));
    return into;
  }

  /** One write of exactly this width to any region, past every check of this class: for tests of devices. */
  async regionWrite(index: number, offset: number, data: Uint8Array): Promise<void> {
    this.#checkRange('regionWrite', 'index', index, 0, 2 ** 32 - 1);
    this.#checkRange('regionWrite', 'offset', offset, 0, Number.MAX_SAFE_INTEGER);
    await this.#call('regionWrite', this.#handle.regionWrite(index, offset, data));
  }

  /**
   * Lets go of the device, whose state stays as it is. What is running or queued rejects with TRANSSHIP_CLOSED.
   * Resolves within a bounded time, however long the device would have taken. May be called again.
   */
  close(): Promise<void> {
    this.#closing ??= this.#call('close', this.#handle.close());
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #call<T>(operation: string, outcome: Promise<T>): Promise<T> {
    try {
      return await outcome;
    } catch (error) {
      throw translate(this.path, operation, error);
    }
  }

  #checkRange(operation: string, name: string, value: number, least: number, most: number): void {
    checkRange(this.path, operation, name, value, least, most);
  }

  #checkIova(operation: string, range: IovaRange): void {
    checkUint64(this.path, operation, 'iova', range.iova);
    checkUint64(this.path, operation, 'length', range.length);
    if (range.length === 0n || range.iova + range.length > 2n ** 64n) {
      throw invalidArgument(this.path, operation, 'a range is not empty and ends within 64 bits');
    }
  }
}
