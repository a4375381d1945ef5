import { z } from 'zod';
import type { WorkloadState } from '../core/session.ts';
import { EmulatorRefusal, askEmulator } from './emulator-control.ts';
import { MAX_PIECE_BYTES } from './freezer.ts';
import type { Freezer, SaveOrder, WorkloadAnswer, WorkloadFacts, WorkloadLoad } from './freezer.ts';

/** Freezing waits for work in progress; everything else answers at once. */
const FREEZE_DEADLINE_MS = 10_000;
const DEADLINE_MS = 5_000;
const STATE_DEADLINE_MS = 4_000;

/** State of one workload, bytes; in hexadecimal it stays below what the control socket answers. */
const MAX_STATE_BYTES = 1024 * 1024;

const workloadReply = z.object({ phase: z.enum(['Empty', 'Loaded', 'Live', 'Ended']), frozen: z.boolean() });
const saveReply = z.object({ state: z.string().regex(/^([0-9a-f]{2})*$/) });

/** The emulated workload that drives the devices of one group, over the emulator's control socket. */
export class EmulatorFreezer implements Freezer {
  readonly #socketPath: string;
  readonly #group: number;
  readonly #life: (() => Promise<string>) | null;

  /** `life`: what the incarnations of its devices begin with now; null: nobody can tell. */
  constructor(socketPath: string, group: number, life: (() => Promise<string>) | null = null) {
    this.#socketPath = socketPath;
    this.#group = group;
    this.#life = life;
  }

  /** It has no memory that a device writes. */
  describe(): Promise<WorkloadFacts> {
    return Promise.resolve({ devices: [], livePass: false, dma: null });
  }

  async freeze(): Promise<void> {
    await this.#ask('freeze', FREEZE_DEADLINE_MS);
  }

  async thaw(): Promise<void> {
    await this.#ask('thaw');
  }

  async *save({ pass }: SaveOrder): AsyncGenerator<Buffer, void> {
    if (pass === 'live') return;
    const { state } = saveReply.parse(await this.#ask('save'));
    const bytes = Buffer.from(state, 'hex');
    for (let at = 0; at < bytes.length; at += MAX_PIECE_BYTES) yield bytes.subarray(at, at + MAX_PIECE_BYTES);
  }

  async expect(): Promise<void> {
    await this.#ask('incoming');
  }

  /** The control socket takes a state as a whole, and only a small one. */
  load(): WorkloadLoad {
    const pieces: Buffer[] = [];
    let length = 0;
    return {
      write: (piece) => {
        length += piece.length;
        if (length > MAX_STATE_BYTES) {
          return Promise.reject(new RangeError(`an emulated workload has at most ${MAX_STATE_BYTES} bytes`));
        }
        // A copy: a piece is a window into a larger buffer of the connection.
        pieces.push(Buffer.from(piece));
        return Promise.resolve();
      },
      finish: async () => {
        // Devices alone have moved: nobody was at work on them.
        if (length === 0) return;
        await this.#ask(`load state=${Buffer.concat(pieces, length).toString('hex')}`);
      },
    };
  }

  async discard(): Promise<void> {
    await this.#ask('discard');
  }

  /** What it knows of its devices is in them. */
  devicesReset(): Promise<void> {
    return Promise.resolve();
  }

  async state(): Promise<WorkloadState> {
    const { state } = await this.ask();
    return state;
  }

  async ask(): Promise<WorkloadAnswer> {
    try {
      const { phase, frozen } = workloadReply.parse(await this.#ask('workload', STATE_DEADLINE_MS));
      const isOver = phase === 'Empty' || phase === 'Ended';
      return { state: isOver ? 'discarded' : frozen ? 'frozen' : 'running', trouble: null };
    } catch (error) {
      const isAnswer = error instanceof EmulatorRefusal || error instanceof z.ZodError;
      const { message } = error as Error;
      return { state: 'unknown', trouble: { kind: isAnswer ? 'refused' : 'silent', message } };
    }
  }

  /** Its emulator is more than it: nothing is proven by one that does not answer. */
  isGone(): Promise<boolean> {
    return Promise.resolve(false);
  }

  /** It lives as long as its emulator. */
  async beganAfter(incarnations: readonly string[]): Promise<boolean> {
    try {
      const life = await this.#life?.();
      if (life === undefined) return false;
      return incarnations.some((seen) => seen !== '' && !seen.startsWith(`${life}/`));
    } catch {
      return false;
    }
  }

  #ask(request: string, deadlineMs = DEADLINE_MS): Promise<Readonly<Record<string, unknown>>> {
    return askEmulator(this.#socketPath, `${request} group=${this.#group}`, deadlineMs);
  }
}
