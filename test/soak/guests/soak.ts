/**
 * One long run between guests with a real kernel, whose devices are held by brokers: there and back and there. Agents and
 * operator are killed on the way; each broker dies once, between two voyages, and gets its devices back from the agent.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { randomFrom } from '../../faults/random.ts';
import type { KernelNode } from '../../kernel/voyage/node.ts';
import { LogBook, progressLine } from '../log-book.ts';
import type { SoakOptions } from '../options.ts';
import type { VoyageChecks } from '../voyage.ts';
import { suffices, type SoakResult, type Watched } from '../watched.ts';
import { checkDigests, checkPlaces } from './checks.ts';
import { drawFault } from './faults.ts';
import { GuestRig } from './rig.ts';
import { GuestWatch } from './watch.ts';
import { workloadOf } from './workload.ts';

/** There and back: afterwards every connection is there. */
const WARM_UP_VOYAGES = 2;
/** Of the time, until the brokers are started anew; memory is that of the second ones. */
const FIRST_PART = 0.2;
/** Between two readings of the brokers' memory: there are few voyages. */
const READING_MS = 2_000;
/** Another run than the other part's, with the same seed. */
const OF_THIS_PART = 0x5f3759df;

const CHECKS: VoyageChecks<KernelNode> = {
  patienceMs: 900_000,
  hasMoved: async (_source, target) => (await workloadOf(target)).state === 'STATE_RUNNING',
  places: checkPlaces,
  digests: checkDigests,
};

/** @param say takes one line of progress */
export async function soakGuests(
  { minutes, seed }: SoakOptions,
  say: (line: string) => void,
): Promise<SoakResult> {
  const random = randomFrom(seed ^ OF_THIS_PART);
  await using rig = await GuestRig.start();
  const book = new LogBook<KernelNode, GuestRig>(rig, CHECKS, random, (from) => ({
    mode: from.pick(['PreCopy', 'StopCopy']),
    ...from.pick([{}, { bandwidthLimit: '64Ki' }]),
  }));
  const agents = rig.nodes.map(
    (node) => new GuestWatch(`agent ${node.name}`, node.guest, () => node.agent.pid, []),
  );
  const watched: GuestWatch[] = [...agents];
  const leftOpen = new Map<Watched, readonly string[]>();
  const began = performance.now();
  const elapsed = (): number => performance.now() - began;

  /** From when brokers have started until they end, or everything does. */
  const lifeOfBrokers = async (which: string, untilMs: number, isLast: boolean): Promise<void> => {
    const brokers = rig.nodes.map(
      (node) =>
        new GuestWatch(
          `${which} broker ${node.name}`,
          node.guest,
          () => node.broker.pid,
          isLast ? ['rss'] : [],
        ),
    );
    watched.push(...brokers);
    await book.calm(WARM_UP_VOYAGES);
    if (!book.isClean) return;
    for (const one of isLast ? brokers : [...brokers, ...agents]) await one.begin();
    const readings = everySoOften(async () => {
      for (const broker of brokers) await broker.read(elapsed());
    });
    try {
      // However slow the machine is: a fault at least, and enough to judge by.
      const isEnough = (): boolean =>
        elapsed() >= untilMs && brokers.every(({ measures, series }) => suffices(measures, series));
      do {
        const result = await book.faulty(drawFault);
        say(`${progressLine(elapsed(), result)}; broker MiB: ${brokers.map(sizeOf).join(' ')}`);
      } while (!isEnough() && book.isClean);
    } finally {
      await readings.end();
    }
    // Ends where it began, with every connection that a voyage makes.
    await book.calm(1, () => rig.source === rig.nodes[0]);
    if (!book.isClean) return;
    for (const one of isLast ? [...brokers, ...agents] : brokers) leftOpen.set(one, await one.end());
  };

  try {
    await lifeOfBrokers('first', minutes * 60_000 * FIRST_PART, false);
    if (book.isClean) {
      for (const node of rig.nodes) {
        const signal = random.pick(['SIGTERM', 'SIGKILL'] as const);
        await node.endBroker(signal);
        await node.startBrokerAgain();
        say(
          `${(elapsed() / 1000).toFixed(0)} s: the broker of ${node.name} was ended by ${signal}, another has its devices`,
        );
      }
      await lifeOfBrokers('second', minutes * 60_000, true);
    }
  } catch (error) {
    say(await rig.logs());
    throw error;
  }
  if (!book.isClean) say(await rig.logs());
  const { voyages, struck, wrong, silent } = book;
  return { patients: watched, voyages, struck, silent, wrong, leftOpen };
}

/** Does something again and again until it is ended; an error comes out of `end`. */
function everySoOften(act: () => Promise<void>): { readonly end: () => Promise<void> } {
  const ending = new AbortController();
  const loop = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      await act();
      await delay(READING_MS, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  };
  const done = loop();
  done.catch(() => undefined); // whoever ends it is told
  return {
    end: async () => {
      ending.abort();
      await done;
    },
  };
}

/** The last reading, MiB. */
function sizeOf({ series: { rss } }: GuestWatch): string {
  return ((rss.at(-1)?.bytes ?? 0) / 2 ** 20).toFixed(2);
}
