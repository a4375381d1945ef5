import type { Clock } from '../clock.ts';
import { failure } from '../contract/failure.ts';
import type { Failure } from '../core/session.ts';
import type { StreamId, StreamProgress, StreamTotals } from '../core/stream.ts';
import { StreamChecksum } from './checksum.ts';
import type { Crc32c, PullItem, TransferOptions } from './frame.ts';
import type { SegmentSource } from './segment-source.ts';
import { SendWindow } from './send-window.ts';
import { Wakeup } from './wakeup.ts';

/** The other end of a pull, as the source sees it. */
export interface Puller {
  /** Resolves when more may be sent; rejects when the puller is gone. */
  send(item: PullItem): Promise<void>;
  /** The puller has everything and was told so. */
  finish(): void;
  /** Ends the pull; with a code the puller need not come again, without one it should. */
  dismiss(why: Failure | null): void;
}

/** What the puller's acknowledgements are handed to. */
export interface Attachment {
  /** `written`: may be forgotten. `accepted`: the target's device has taken it. Stream positions. */
  acknowledge(written: number, accepted: number): void;
  /** The puller has said that it has everything. */
  done(): void;
  /** The connection is gone. */
  detach(): void;
}

interface StreamEvents {
  /** Something of `progress` changed; `atOnce` when it became complete. */
  onChange(atOnce: boolean): void;
  onError(error: unknown): void;
}

interface Served {
  readonly puller: Puller;
  /** Position behind the last byte that was sent to it. */
  sent: number;
  open: boolean;
}

export interface OutgoingOptions extends TransferOptions {
  readonly clock: Clock;
  readonly crc32c: Crc32c;
}

/** Back-off while a running device has nothing (V1-37), ms. */
const POLL_MS = { first: 5, most: 200 };

/**
 * One stream of the source: reads the device as far ahead of the target as the window allows, and serves one puller
 * at a time, from whatever byte that one needs next.
 */
export class OutgoingStream {
  readonly id: StreamId;
  readonly #source: SegmentSource;
  readonly #options: OutgoingOptions;
  readonly #events: StreamEvents;
  readonly #window: SendWindow;
  readonly #checksum: StreamChecksum;
  readonly #changed = new Wakeup();
  #stopped = false;
  readonly #poll = new Wakeup();
  /** The next pause is not to be waited for. */
  #hurry = false;
  #segments = 0;
  #accepted = 0;
  /** Position behind the initial data of pre-copy; null while some of it is not read yet. */
  #initialEnd: number | null = null;
  #totals: StreamTotals | null = null;
  /** The target has everything and has said so. */
  #taken = false;
  #served: Served | null = null;

  constructor(id: StreamId, source: SegmentSource, options: OutgoingOptions, events: StreamEvents) {
    this.id = id;
    this.#source = source;
    this.#options = options;
    this.#events = events;
    this.#window = new SendWindow(options.windowBytes, options.crc32c);
    this.#checksum = new StreamChecksum(options.crc32c);
    void this.#produce();
  }

  get progress(): StreamProgress {
    const bytes = this.#window.end;
    const totals = { ...this.id, bytes, segments: this.#segments, crc32c: this.#checksum.value };
    const pendingBytes = this.#source.pendingBytes + bytes - this.#accepted;
    const { stopCopyBytes = 0 } = this.#source;
    return { totals, ended: this.#taken, pendingBytes, initialPending: this.#initialPending, stopCopyBytes };
  }

  /** Bytes that are held in memory for the target. */
  get bufferedBytes(): number {
    return this.#window.bytes;
  }

  drain(): void {
    this.#source.drain();
    this.#hurry = true;
    this.#poll.wake();
  }

  /** Asks the device for nothing more and lets the puller go. */
  stop(): void {
    this.#stopped = true;
    this.#source.end();
    this.#poll.wake();
    this.#changed.wake();
    this.#dismiss(this.#served, null);
  }

  /** A newer puller ends the older. `next` is the byte it goes on with. */
  attach(puller: Puller, next: number): Attachment {
    this.#dismiss(this.#served, null);
    const served: Served = { puller, sent: next, open: true };
    this.#served = served;
    if (next < this.#window.start || next > this.#window.end) {
      const held = `${this.#window.start} to ${this.#window.end}`;
      this.#dismiss(served, failure('StreamOutOfOrder', `byte ${next} was asked for, ${held} can be sent`));
    } else {
      // Whoever goes on at `next` has written everything before it.
      this.#forget(next);
      void this.#serve(served);
    }
    return {
      acknowledge: (written, accepted) => this.#acknowledge(served, written, accepted),
      done: () => this.#done(served),
      detach: () => this.#detach(served),
    };
  }

  async #produce(): Promise<void> {
    try {
      let pollMs = POLL_MS.first;
      while (!this.#stopped) {
        const next = await this.#source.next();
        if (this.#stopped) return;
        this.#noteInitial();
        if (next === 'end') {
          this.#finish();
          return;
        }
        if (next === 'nothing') {
          await this.#pause(pollMs);
          pollMs = Math.min(2 * pollMs, POLL_MS.most);
        } else {
          pollMs = POLL_MS.first;
          await this.#readSegment(next.size);
        }
      }
    } catch (error) {
      if (!this.#stopped) this.#events.onError(error);
    }
  }

  /** The target's device has not accepted all initial data yet, or nobody knows how much there is (V2-17). */
  get #initialPending(): boolean {
    if (this.#source.initialPending === undefined) return false;
    return this.#initialEnd === null || this.#accepted < this.#initialEnd;
  }

  /** What was read so far has all initial data in it, until the device has new one (V2-20). */
  #noteInitial(): void {
    const before = this.#initialEnd;
    if (this.#source.initialPending === true) this.#initialEnd = null;
    else this.#initialEnd ??= this.#window.end;
    if (this.#initialEnd !== before) this.#events.onChange(false);
  }

  async #readSegment(size: number): Promise<void> {
    this.#checksum.beginSegment(size);
    let offsetInSegment = 0;
    for (let last = false; !last;) {
      await this.#room();
      if (this.#stopped) return;
      const piece = await this.#source.read(this.#options.frameBytes);
      const { data, crc32c } = piece;
      this.#window.push({
        position: this.#window.end,
        segment: this.#segments,
        segmentSize: size,
        offsetInSegment,
        data,
        crc32c,
      });
      this.#checksum.add(crc32c, data.length);
      offsetInSegment += data.length;
      last = piece.last;
      this.#changed.wake();
    }
    this.#segments += 1;
    this.#events.onChange(false);
  }

  /** Back-pressure: the device is not read before the target has written enough of what was read. */
  async #room(): Promise<void> {
    while (!this.#window.hasRoom(this.#options.frameBytes) && !this.#stopped) {
      await this.#changed.wait();
    }
  }

  async #pause(ms: number): Promise<void> {
    const cancel = this.#options.clock.after(ms, () => this.#poll.wake());
    if (!this.#hurry) await this.#poll.wait();
    this.#hurry = false;
    cancel();
  }

  #finish(): void {
    const { totals } = this.progress;
    this.#totals = totals;
    this.#changed.wake();
    this.#events.onChange(false);
  }

  async #serve(served: Served): Promise<void> {
    try {
      while (served.open) {
        const frame = this.#window.at(served.sent);
        if (frame !== null) {
          served.sent += frame.data.length;
          await served.puller.send({ kind: 'frame', frame });
        } else if (this.#totals !== null) {
          await served.puller.send({ kind: 'end', totals: this.#totals });
          return;
        } else {
          await this.#changed.wait();
        }
      }
    } catch {
      this.#detach(served);
    }
  }

  #acknowledge(served: Served, written: number, accepted: number): void {
    if (!served.open) return;
    const isPossible = accepted >= 0 && accepted <= written && written <= served.sent;
    if (!isPossible) {
      const claim = `${written} written, ${accepted} accepted, ${served.sent} were sent`;
      this.#dismiss(served, failure('StreamOutOfOrder', `impossible acknowledgement: ${claim}`));
      return;
    }
    this.#accepted = Math.max(this.#accepted, accepted);
    this.#forget(written);
    this.#events.onChange(false);
  }

  #forget(written: number): void {
    this.#window.forget(written);
    this.#changed.wake();
  }

  #done(served: Served): void {
    if (!served.open) return;
    if (this.#totals === null || this.#accepted !== this.#totals.bytes) {
      this.#dismiss(served, failure('StreamTruncated', 'the puller ended before it had taken everything'));
      return;
    }
    this.#taken = true;
    this.#detach(served);
    served.puller.finish();
    this.#events.onChange(true);
  }

  #dismiss(served: Served | null, why: Failure | null): void {
    if (served === null) return;
    this.#detach(served);
    served.puller.dismiss(why);
  }

  #detach(served: Served): void {
    served.open = false;
    if (this.#served === served) this.#served = null;
    this.#changed.wake();
  }
}
