/** One long run on emulated nodes: there and back and there, under faults, with readings in between. */
import { randomFrom } from '../faults/random.ts';
import type { FaultNode } from '../faults/rig/fault-node.ts';
import { FaultRig } from '../faults/rig/fault-rig.ts';
import { checkDigests, checkPlaces } from './checks.ts';
import { drawFault } from './faults.ts';
import { LogBook, progressLine } from './log-book.ts';
import type { SoakOptions } from './options.ts';
import { Patient } from './patient.ts';
import type { VoyageChecks } from './voyage.ts';
import { suffices, type SoakResult, type Watched } from './watched.ts';

/** There and back, twice: afterwards every connection and every cache is there. */
const WARM_UP_VOYAGES = 4;
/** An agent keeps each ended session for a week: about so much of its heap. */
const SESSION_BYTES = 4096;

const CHECKS: VoyageChecks<FaultNode> = {
  patienceMs: 300_000,
  hasMoved: async ({ control }) => (await control.workload()).phase === 'Ended',
  places: checkPlaces,
  digests: checkDigests,
};

/** @param readings folder of forced-gc.mjs @param say takes one line of progress */
export async function soakEmulated(
  { minutes, seed }: SoakOptions,
  readings: string,
  say: (line: string) => void,
): Promise<SoakResult> {
  await using rig = await FaultRig.start();
  const patients = [
    new Patient('operator', rig.operator, readings),
    ...rig.nodes.map(
      ({ node, agent }) => new Patient(`agent ${node}`, agent.process, readings, SESSION_BYTES),
    ),
    ...rig.nodes.map(({ node, emulator }) => new Patient(`emulator ${node}`, emulator.process, null)),
  ];
  const book = new LogBook<FaultNode, FaultRig>(rig, CHECKS, randomFrom(seed), (random) => ({
    mode: random.pick(['PreCopy', 'StopCopy']),
  }));
  await book.calm(WARM_UP_VOYAGES);
  for (const patient of patients) await patient.begin();

  const began = performance.now();
  // However slow the machine is: enough to judge by.
  const isEnough = (): boolean =>
    performance.now() - began >= minutes * 60_000 &&
    patients.every(({ measures, series }) => suffices(measures, series));
  while (!isEnough() && book.isClean) {
    const result = await book.faulty(drawFault);
    const at = performance.now() - began;
    for (const patient of patients) await patient.read(at, book.voyages);
    say(`${progressLine(at, result)}; MiB: ${patients.map(sizeOf).join(' ')}`);
  }
  // Ends where it began, with every connection that a voyage makes.
  await book.calm(1, () => rig.source === rig.nodes[0]);
  const leftOpen = new Map<Watched, readonly string[]>();
  if (book.isClean)
    for (const patient of patients.filter(({ isCounted }) => isCounted))
      leftOpen.set(patient, await patient.end());
  const { voyages, struck, wrong, silent } = book;
  return { patients, voyages, struck, silent, wrong, leftOpen };
}

/** The last reading that says most, MiB. */
function sizeOf({ series: { heap, rss } }: Patient): string {
  const { bytes } = heap.at(-1) ?? rss.at(-1) ?? { bytes: 0 };
  return (bytes / 2 ** 20).toFixed(2);
}
