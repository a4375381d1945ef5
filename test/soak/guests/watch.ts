import type { Guest } from '../../kernel/rig/guest.ts';
import { eventually } from '../../support/managed-process.ts';
import { differences, type Descriptors, type Point } from '../judge.ts';
import type { Measure, Watched } from '../watched.ts';

/** How long connections and descriptors of ended processes may take to be closed, in guests without KVM. */
const SETTLE_MS = 300_000;
const PAGE_BYTES = 4096;

/** A process in a guest; another one may take its place. */
export class GuestWatch implements Watched {
  readonly name: string;
  readonly isCounted = true;
  readonly measures: readonly Measure[];
  readonly series: Record<Measure, Point[]> = { rss: [], heap: [] };
  /** A broker's resident set of some MiB gets no more rope than the limit in percent. */
  readonly slack = 0;
  readonly #guest: Guest;
  readonly #pid: () => number;
  #before: Descriptors = new Map();
  #after: Descriptors = new Map();

  constructor(name: string, guest: Guest, pid: () => number, measures: readonly Measure[]) {
    this.name = name;
    this.measures = measures;
    this.#guest = guest;
    this.#pid = pid;
  }

  get before(): Descriptors {
    return this.#before;
  }

  get after(): Descriptors {
    return this.#after;
  }

  /** Takes down what it has open, before anything else. */
  async begin(): Promise<void> {
    this.#before = await this.#descriptors();
  }

  /** Takes a reading of its memory. */
  async read(at: number): Promise<void> {
    const [, resident = ''] = (await this.#guest.read(`/proc/${this.#pid()}/statm`)).split(' ');
    this.series.rss.push({ at, bytes: Number(resident) * PAGE_BYTES });
  }

  /** What it has open beyond or short of what it had; asked again until nothing is, or it has had time enough. */
  async end(): Promise<string[]> {
    const look = async (): Promise<string[]> => {
      this.#after = await this.#descriptors();
      return differences(this.#before, this.#after);
    };
    const equal = eventually(`descriptors of ${this.name}`, SETTLE_MS, async () =>
      (await look()).length === 0 ? [] : null,
    );
    return equal.catch(look);
  }

  async #descriptors(): Promise<Descriptors> {
    const pid = this.#pid();
    return kindsOf(await this.#guest.shell(`ls -l /proc/${pid}/fd`), pid);
  }
}

/**
 * Counts the descriptors in the output of `ls -l /proc/PID/fd` by kind; files by path.
 * @throws Error when there are none: the listing is of no process.
 */
export function kindsOf(listing: string, pid: number): Descriptors {
  const found = new Map<string, number>();
  for (const line of listing.split('\n')) {
    const [, target] = line.split(' -> ');
    if (target === undefined) continue;
    const kind = target.replace(/^(socket|pipe):\[\d+\]$/u, '$1');
    found.set(kind, (found.get(kind) ?? 0) + 1);
  }
  if (found.size === 0) throw new Error(`process ${pid} has nothing open:\n${listing}`);
  return found;
}
