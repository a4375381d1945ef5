import type { SavingDevice, SegmentPiece } from '../device/port.ts';
import type { SegmentSource } from './segment-source.ts';

/** How often a device is asked for its estimates at most, ms: it is one more access between two segments. */
const ESTIMATE_INTERVAL_MS = 250;

/** The device's own stream. It ends only after drain(): before, an end is that of a device ahead of its set. */
export class DeviceSource implements SegmentSource {
  readonly #device: SavingDevice;
  readonly #now: () => number;
  #draining = false;
  #ended = false;
  #pendingBytes = 0;
  /** Nobody has asked the device yet. */
  #initialPending = true;
  #stopCopyBytes = 0;
  #estimatedAt = Number.NEGATIVE_INFINITY;

  constructor(device: SavingDevice, now: () => number) {
    this.#device = device;
    this.#now = now;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  get initialPending(): boolean {
    return this.#initialPending;
  }

  get stopCopyBytes(): number {
    return this.#stopCopyBytes;
  }

  drain(): void {
    this.#draining = true;
  }

  /** The device ends its stream by an arc; here it is only left alone from now on. */
  end(): void {
    this.#ended = true;
  }

  async next(): Promise<{ readonly size: number } | 'nothing' | 'end'> {
    const isDraining = this.#draining;
    if (this.#ended) return 'nothing';
    // Only here no segment is open (V1-43). During the downtime nobody needs an estimate.
    if (isDraining) this.#initialPending = false;
    else if (this.#now() - this.#estimatedAt >= ESTIMATE_INTERVAL_MS) await this.#estimate();
    if (this.#ended) return 'nothing';
    const { size, ended } = await this.#device.nextSegment();
    if (this.#ended) return 'nothing';
    if (size > 0) return { size };
    this.#pendingBytes = 0;
    return ended && isDraining ? 'end' : 'nothing';
  }

  async read(maxLength: number): Promise<SegmentPiece> {
    const piece = await this.#device.readSegment(maxLength);
    this.#pendingBytes = Math.max(0, this.#pendingBytes - piece.data.length);
    return piece;
  }

  /** New initial data counts like that of the beginning (V2-20). */
  async #estimate(): Promise<void> {
    this.#estimatedAt = this.#now();
    const info = await this.#device.precopyInfo();
    if (this.#ended) return;
    this.#initialPending = info !== null && (info.initialBytes > 0 || info.reinit);
    this.#pendingBytes =
      info === null ? await this.#device.pendingBytes() : info.initialBytes + info.dirtyBytes;
    if (this.#ended) return;
    this.#stopCopyBytes = await this.#device.stopCopyBytes();
  }
}
