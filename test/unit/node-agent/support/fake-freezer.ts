import type { WorkloadState } from '@transship/node-agent/internal/core/session';
import type {
  DirtyMemory,
  Freezer,
  SaveOrder,
  WorkloadAnswer,
  WorkloadFacts,
  WorkloadLoad,
  Workloads,
} from '@transship/node-agent/internal/workload/freezer';

/** A workload in memory that records what it was told. Its constructors say what goes wrong with it. */
export class FakeFreezer implements Freezer {
  readonly calls: string[] = [];
  now: WorkloadState = 'running';
  /** Why it is `unknown` when it is. */
  trouble: NonNullable<WorkloadAnswer['trouble']> = { kind: 'silent', message: 'no answer in time' };
  /** Its process is proven to have ended. */
  gone = false;
  /** It began after these incarnations of its devices. */
  anew: readonly string[] = [];
  facts: WorkloadFacts = { devices: [], livePass: false, dma: null };
  saved = Buffer.from('state of the workload');
  /** What it sends while it still runs. */
  savedLive = Buffer.from('first copy, ');
  /** What it was told that its devices had written. */
  readonly dirty: DirtyMemory[] = [];
  loaded: Buffer | null = null;
  readonly #fail: ReadonlySet<string>;

  private constructor(fail: readonly string[]) {
    this.#fail = new Set(fail);
  }

  static healthy(): FakeFreezer {
    return new FakeFreezer([]);
  }

  static failingTo(...calls: ('freeze' | 'thaw' | 'load' | 'discard' | 'expect' | 'save')[]): FakeFreezer {
    return new FakeFreezer(calls);
  }

  describe(): Promise<WorkloadFacts> {
    return Promise.resolve(this.facts);
  }

  freeze(): Promise<void> {
    return this.#call('freeze', 'frozen');
  }

  thaw(): Promise<void> {
    return this.#call('thaw', 'running');
  }

  expect(): Promise<void> {
    return this.#call('expect', 'frozen');
  }

  discard(): Promise<void> {
    return this.#call('discard', 'discarded');
  }

  async *save({ pass, incremental, dirty }: SaveOrder): AsyncGenerator<Buffer, void> {
    this.calls.push(`save ${pass}${incremental ? ' the rest' : ''}`);
    if (this.#fail.has('save')) throw new Error('the workload refused to save');
    for await (const memory of dirty) this.dirty.push(memory);
    yield pass === 'live' ? this.savedLive : this.saved;
  }

  load(): WorkloadLoad {
    const pieces: Buffer[] = [];
    return {
      write: (piece) => {
        pieces.push(Buffer.from(piece));
        return Promise.resolve();
      },
      finish: async () => {
        await this.#call('load', 'frozen');
        this.loaded = Buffer.concat(pieces);
      },
    };
  }

  devicesReset(ids: readonly string[]): Promise<void> {
    return this.#call(`devices reset: ${ids.join(' ')}`, this.now);
  }

  state(): Promise<WorkloadState> {
    return Promise.resolve(this.now);
  }

  ask(): Promise<WorkloadAnswer> {
    const trouble = this.now === 'unknown' ? this.trouble : null;
    return Promise.resolve({ state: this.now, trouble });
  }

  isGone(): Promise<boolean> {
    return Promise.resolve(this.gone);
  }

  beganAfter(incarnations: readonly string[]): Promise<boolean> {
    return Promise.resolve(incarnations.some((seen) => this.anew.includes(seen)));
  }

  #call(name: string, reached: WorkloadState): Promise<void> {
    this.calls.push(name);
    if (this.#fail.has(name)) return Promise.reject(new Error(`the workload refused to ${name}`));
    this.now = reached;
    return Promise.resolve();
  }
}

export const workloadsOf = (freezer: Freezer): Workloads => ({ of: () => freezer });
