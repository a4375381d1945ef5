import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { descriptorsOf } from '../faults/rig/descriptors.ts';
import { eventually, type ManagedProcess } from '../support/managed-process.ts';
import { differences, type Descriptors, type Point } from './judge.ts';
import type { Measure, Watched } from './watched.ts';

/** A process that stands still for longer hangs. */
const PATIENCE_MS = 300_000;
/** How long connections may take to be closed: the programs look for dead ones every 30 s. */
const SETTLE_MS = 180_000;
const PAGE_BYTES = 4096;
/** Pages that V8 has freed stay for as long as it likes; the heap is what tells. */
const NODE_SLACK = 8 * 2 ** 20;
const SERVER_SLACK = 2 ** 19;
/** An agent keeps no more ended sessions (node-agent/src/journal/retention.ts). */
const MOST_KEPT = 1000;

/** A process that is watched from the start to the end of the run. */
export class Patient implements Watched {
  readonly name: string;
  readonly process: ManagedProcess;
  /** Of a program of Node; of others only the resident set is known. */
  readonly #readings: string | null;
  readonly series: Record<Measure, Point[]> = { rss: [], heap: [] };
  readonly #keptBytes: number;
  #before: Descriptors = new Map();
  #after: Descriptors = new Map();
  #taken = 0;

  /**
   * @param readings folder that forced-gc.mjs writes to; null: the process does not run it
   * @param keptBytes what it keeps on purpose of each voyage, which is taken off its heap
   */
  constructor(name: string, process: ManagedProcess, readings: string | null, keptBytes = 0) {
    this.name = name;
    this.process = process;
    this.#keptBytes = keptBytes;
    this.#readings = readings === null ? null : join(readings, String(process.pid));
  }

  get before(): Descriptors {
    return this.#before;
  }

  get after(): Descriptors {
    return this.#after;
  }

  /** Takes down what it has open, before anything else. */
  async begin(): Promise<void> {
    this.#before = await descriptorsOf(this.process.pid);
  }

  /** An emulator keeps a few closed control connections until the next one comes, so their number says nothing. */
  get isCounted(): boolean {
    return this.#readings !== null;
  }

  get measures(): readonly Measure[] {
    return this.#readings === null ? ['rss'] : ['heap', 'rss'];
  }

  /** How far its resident set rises and falls without a leak, bytes. */
  get slack(): number {
    return this.#readings === null ? SERVER_SLACK : NODE_SLACK;
  }

  /** Collects its garbage and takes a reading after so many voyages. */
  async read(at: number, voyages: number): Promise<void> {
    if (this.#readings === null) {
      const [, resident = '0'] = (await readFile(`/proc/${this.process.pid}/statm`, 'utf8')).split(' ');
      this.series.rss.push({ at, bytes: Number(resident) * PAGE_BYTES });
      return;
    }
    const path = this.#readings;
    this.process.signal('SIGUSR2');
    const line = await eventually(`${this.name} takes a reading`, PATIENCE_MS, async () => {
      const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n').slice(0, -1);
      return lines[this.#taken] ?? null;
    });
    this.#taken += 1;
    const { rss, heap } = JSON.parse(line) as Record<Measure, number>;
    this.series.rss.push({ at, bytes: rss });
    this.series.heap.push({ at, bytes: heap - Math.min(voyages, MOST_KEPT) * this.#keptBytes });
  }

  /** What it has open beyond or short of what it had; asked again until nothing is, or it has had time enough. */
  async end(): Promise<string[]> {
    const look = async (): Promise<string[]> => {
      this.#after = await descriptorsOf(this.process.pid);
      return differences(this.#before, this.#after);
    };
    const equal = eventually(`descriptors of ${this.name}`, SETTLE_MS, async () =>
      (await look()).length === 0 ? [] : null,
    );
    return equal.catch(look);
  }
}
