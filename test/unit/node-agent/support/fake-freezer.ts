import type { WorkloadState } from '@transship/node-agent/internal/core/session';
import type { Freezer, Workloads } from '@transship/node-agent/internal/workload/freezer';

/** A workload in memory that records what it was told. Its constructors say what goes wrong with it. */
export class FakeFreezer implements Freezer {
  readonly calls: string[] = [];
  now: WorkloadState = 'running';
  saved = Buffer.from('state of the workload');
  loaded: Buffer | null = null;
  readonly #fail: ReadonlySet<string>;

  private constructor(fail: readonly string[]) {
    this.#fail = new Set(fail);
  }

  static healthy(): FakeFreezer {
    return new FakeFreezer([]);
  }

  static failingTo(...calls: ('freeze' | 'thaw' | 'load' | 'discard' | 'expect')[]): FakeFreezer {
    return new FakeFreezer(calls);
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

  save(): Promise<Buffer> {
    this.calls.push('save');
    return Promise.resolve(this.saved);
  }

  async load(state: Buffer): Promise<void> {
    await this.#call('load', 'frozen');
    this.loaded = Buffer.from(state);
  }

  state(): Promise<WorkloadState> {
    return Promise.resolve(this.now);
  }

  #call(name: string, reached: WorkloadState): Promise<void> {
    this.calls.push(name);
    if (this.#fail.has(name)) return Promise.reject(new Error(`the workload refused to ${name}`));
    this.now = reached;
    return Promise.resolve();
  }
}

export const workloadsOf = (freezer: Freezer): Workloads => ({ of: () => freezer });
