/** What a run makes of its voyages; the set here is a name, and a migration ends as soon as it is looked for. */
import { describe, expect, test } from '@jest/globals';
import type { DeviceMigrationStatus } from '@transship/crds';
import { randomFrom } from '../../faults/random.ts';
import { CALM, type SoakFault } from '../../soak/fault.ts';
import { LogBook } from '../../soak/log-book.ts';
import type { VoyageChecks, VoyageRig } from '../../soak/voyage.ts';

/** Every migration ends as the next of `ends` says, `Phase` or `Phase Code`; the last one of them stays. */
class PaperRig implements VoyageRig<string> {
  readonly proxies = [];
  readonly strategies: unknown[] = [];
  source = 'a';
  target = 'b';
  readonly #ends: string[];
  #end: string | null = null;

  constructor(...ends: string[]) {
    this.#ends = ends;
  }

  apply(_name: string, strategy: unknown): Promise<void> {
    this.strategies.push(strategy);
    this.#end = (this.#ends.length > 1 ? this.#ends.shift() : this.#ends[0]) ?? 'Failed';
    return Promise.resolve();
  }

  isApplied = (): Promise<boolean> => Promise.resolve(this.#end !== null);

  record = (): Promise<{ status: DeviceMigrationStatus } | null> => {
    if (this.#end === null) return Promise.resolve(null);
    const [phase, code] = this.#end.split(' ');
    const status = { phase, completedAt: 'now', ...(code === undefined ? {} : { error: { code } }) };
    return Promise.resolve({ status: status as unknown as DeviceMigrationStatus });
  };

  remove(): Promise<void> {
    this.moved = this.#end === 'Succeeded';
    this.#end = null;
    return Promise.resolve();
  }

  moved = false;

  turnRound(): void {
    [this.source, this.target] = [this.target, this.source];
  }
}

const NONE: SoakFault<PaperRig> = {
  name: 'none',
  mayEnd: [],
  arm: () => Promise.resolve(),
  strike: () => Promise.resolve(true),
};

function bookOf(
  rig: PaperRig,
  changes: Partial<VoyageChecks<string>> = {},
  seed = 1,
): LogBook<string, PaperRig> {
  const checks: VoyageChecks<string> = {
    patienceMs: 60_000,
    hasMoved: () => Promise.resolve(rig.moved),
    places: () => Promise.resolve([]),
    digests: () => Promise.resolve([]),
    ...changes,
  };
  return new LogBook(rig, checks, randomFrom(seed), (random) => ({
    mode: random.pick(['PreCopy', 'StopCopy']),
  }));
}

describe('a run', () => {
  test('goes to and fro, and ends where it is told to', async () => {
    const rig = new PaperRig('Succeeded');
    const book = bookOf(rig);
    await book.calm(1, () => rig.source === 'a');
    expect({ voyages: book.voyages, wrong: book.wrong }).toEqual({ voyages: 2, wrong: [] });
  });

  test('ends with the first voyage on which something was lost', async () => {
    const book = bookOf(new PaperRig('Succeeded'), { places: () => Promise.resolve(['lost: 1']) });
    await book.faulty(() => NONE);
    expect(book.wrong).toEqual(['soak-1: lost: 1']);
    await book.calm(3);
    expect(book.voyages).toBe(1);
  });

  test('finds other digests after a move, and asks for none where nothing has moved', async () => {
    const digests = (): Promise<string[]> => Promise.resolve(['another digest']);
    const moved = bookOf(new PaperRig('Succeeded'), { digests });
    await moved.faulty(() => NONE);
    expect(moved.wrong).toEqual(['soak-1: another digest']);
    const stayed = bookOf(new PaperRig('Failed AgentUnreachable'), { digests });
    await stayed.faulty(() => NONE);
    expect(stayed.wrong).toEqual([]);
  });

  test('does not believe a success after which the set is where it was', async () => {
    const book = bookOf(new PaperRig('Succeeded'), { hasMoved: () => Promise.resolve(false) });
    await book.faulty(() => NONE);
    expect(book.wrong).toEqual(['soak-1: it succeeded, and the set is where it was']);
  });

  test('does not believe a failure after which the set is at the target', async () => {
    const book = bookOf(new PaperRig('Failed AgentUnreachable'), { hasMoved: () => Promise.resolve(true) });
    await book.faulty(() => NONE);
    expect(book.wrong).toEqual(['soak-1: it ended as Failed, and the set is at the target']);
  });

  test('lets a voyage end with what its fault explains, and with nothing else', async () => {
    const refused = { ...NONE, name: 'arc-refused', mayEnd: ['ArcFailed'] };
    const book = bookOf(new PaperRig('Failed ArcFailed'));
    await book.faulty(() => refused);
    expect({ silent: book.silent, wrong: book.wrong }).toEqual({ silent: 0, wrong: [] });
    await book.faulty(() => NONE);
    expect(book.wrong).toEqual([
      'soak-2: it ended as Failed with ArcFailed, which its fault does not explain',
    ]);
  });

  test('makes a calm voyage again that was given up in silence, and only that', async () => {
    const slow = bookOf(new PaperRig('Failed AgentUnreachable', 'Succeeded'));
    await slow.calm(1);
    expect({ voyages: slow.voyages, silent: slow.silent, wrong: slow.wrong }).toEqual({
      voyages: 2,
      silent: 1,
      wrong: [],
    });
    const broken = bookOf(new PaperRig('Failed LoadRejected', 'Succeeded'));
    await broken.calm(1);
    expect(broken.wrong).toEqual([
      'calm-1: it ended as Failed with LoadRejected, which its fault does not explain',
    ]);
  });

  test('does not take more than a few for a slow machine', async () => {
    const dead = bookOf(new PaperRig('Failed AgentUnreachable'));
    await dead.calm(1);
    expect(dead.wrong).toEqual(['2 of 2 voyages were given up, the last one as Failed (AgentUnreachable)']);
  });

  test('does not count a voyage without a fault as one under a fault', async () => {
    const book = bookOf(new PaperRig('Succeeded'));
    await book.faulty(() => CALM);
    expect([...book.struck]).toEqual([]);
  });

  test('counts faults that met something, and draws the same for the same seed', async () => {
    const drawn = async (seed: number): Promise<unknown> => {
      const rig = new PaperRig('Succeeded');
      const book = bookOf(rig, {}, seed);
      const names: string[] = [];
      for (let voyage = 0; voyage < 12; voyage += 1)
        names.push((await book.faulty((random) => ({ ...NONE, name: random.pick(['x', 'y', 'z']) }))).fault);
      const struck = [...book.struck.values()].reduce((sum, count) => sum + count, 0);
      expect(struck).toBe(12);
      return { names, strategies: rig.strategies };
    };
    expect(await drawn(7)).toEqual(await drawn(7));
    expect(await drawn(7)).not.toEqual(await drawn(8));
  });
});
