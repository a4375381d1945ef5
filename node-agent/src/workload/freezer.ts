import type { WorkloadState } from '../core/session.ts';
import type { IovaRange } from '../device/port.ts';

/** Largest piece of a workload's state that is sent or taken at once, bytes. */
export const MAX_PIECE_BYTES = 1024 * 1024;

/** What a workload says of itself. */
export interface WorkloadFacts {
  /** Ids of the devices it uses, or its names of such as this node does not have; empty when it does not tell. */
  readonly devices: readonly string[];
  /** It wants to send a first copy of its state while it still runs. */
  readonly livePass: boolean;
  /** Memory that devices may write, for DMA logging; null for none. */
  readonly dma: DmaMemory | null;
}

export interface DmaMemory {
  /** Not empty; multiples of `pageSize`. */
  readonly ranges: readonly IovaRange[];
  /** Bytes, a power of two; a hint to the devices. */
  readonly pageSize: number;
}

/** What one device has written, so far as its log can tell. Devices by their ids. */
export type DirtyMemory =
  | {
      readonly kind: 'pages';
      readonly device: string;
      readonly iova: bigint;
      readonly length: bigint;
      readonly pageSize: number;
      /** One bit a page from `iova` on, lowest bit of the first byte first. */
      readonly bitmap: Buffer;
    }
  /** All that the device may write counts as written. */
  | { readonly kind: 'unknown'; readonly device: string; readonly reason: string };

export interface SaveOrder {
  /** Equal in both passes of one saving and at the target. */
  readonly savingId: string;
  /** `live`: while the workload runs. `final`: it is frozen and every device of the set is stopped. */
  readonly pass: 'live' | 'final';
  /** Final pass: the live pass of this saving was taken to its end, so only the rest is owed. */
  readonly incremental: boolean;
  /** Final pass: read to its end before the workload saves. */
  readonly dirty: AsyncIterable<DirtyMemory>;
  /** Ends the pass; what it gave is void. */
  readonly signal: AbortSignal;
  /** Told of the workload's estimate of what the pass has still to give, bytes. */
  onPending(bytes: number): void;
}

/** What a workload says when it is asked where it stands. */
export interface WorkloadAnswer {
  /** `unknown` unless it told one. */
  readonly state: WorkloadState;
  /** Why it told none; null when it did. `silent`: no answer yet, so that asking again may help. */
  readonly trouble: { readonly kind: 'silent' | 'refused'; readonly message: string } | null;
}

/** One load that is under way. */
export interface WorkloadLoad {
  /** Next piece, at most MAX_PIECE_BYTES. Resolves when more may come. */
  write(piece: Buffer): Promise<void>;
  /** Everything was written. Resolves when the workload has it in place and could be thawed. */
  finish(): Promise<void>;
}

/** The workload has ended, which is proven, and what it had in memory with it: no order can reach it any more. */
export class WorkloadGone extends Error {
  override readonly name = 'WorkloadGone';
}

/**
 * Control of the workload that uses the devices. Every call has its own deadline and rejects with an Error
 * whose message says what the workload's control answered.
 */
export interface Freezer {
  describe(): Promise<WorkloadFacts>;
  /**
   * Resolves when the workload touches no device any more. Rejects with WorkloadGone when there is none left. `savingId`
   * names the attempt: a thaw that carries another is refused from then on.
   */
  freeze(savingId: string): Promise<void>;
  /**
   * Resolves when it runs again. Rejects with WorkloadGone when there is nothing left that could. `savingId`: of the
   * freeze or load that it takes back, so that one which comes late thaws nothing that was frozen since.
   */
  thaw(savingId: string): Promise<void>;
  /** Its own state, memory included, in pieces that are neither empty nor larger than MAX_PIECE_BYTES. */
  save(order: SaveOrder): AsyncIterable<Buffer>;
  /** Target: empties this node's workload and makes it wait, frozen, for the state of this saving. */
  expect(savingId: string): Promise<void>;
  /** Target: gives the waiting workload its state; it stays frozen. The signal ends a load that is not finished. */
  load(savingId: string, signal: AbortSignal): WorkloadLoad;
  /** Ends the frozen workload: at the source after Commit, at the target when its copy will never run. */
  discard(): Promise<void>;
  /** Source: devices of the workload were RESET and have lost what they held. Ids; told before a thaw. As thaw(). */
  devicesReset(ids: readonly string[]): Promise<void>;
  /** Never rejects: `unknown` when there is no answer. */
  state(): Promise<WorkloadState>;
  /** As state(), and why there is none. */
  ask(): Promise<WorkloadAnswer>;
  /** Never rejects: true when it is proven that the workload is gone, as WorkloadGone says. */
  isGone(): Promise<boolean>;
  /**
   * Whether what would be reached now began after its devices were seen in these incarnations: the workload of then has
   * ended, and this one is none of its migration's. Never rejects; true only when that is proven.
   */
  beganAfter(incarnations: readonly string[]): Promise<boolean>;
}

/** The workload that uses a set of devices. Throws RangeError when they are not all of one. */
export interface Workloads {
  of(deviceIds: readonly string[]): Freezer;
}

/** Names a freeze of the source: it may outlast several savings. */
export const freezeIdOf = (uid: string): string => uid;

/** Names one saving of a migration, the same at both ends. */
export const savingIdOf = (uid: string, generation: number): string => `${uid}/${generation}`;
