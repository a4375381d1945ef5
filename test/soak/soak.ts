/** One long run: there and back and there, under faults, with readings in between. */
import { randomFrom } from '../faults/random.ts';
import { FaultRig } from '../faults/rig/fault-rig.ts';
import { drawFault, type SoakFault } from './faults.ts';
import type { SoakOptions } from './options.ts';
import { Patient } from './patient.ts';
import { voyage } from './voyage.ts';

/** There and back, twice: afterwards every connection and every cache is there. */
const WARM_UP_VOYAGES = 4;
/** An agent keeps each ended session for a week: about so much of its heap. */
const SESSION_BYTES = 4096;
const CALM: SoakFault = { name: 'none', arm: () => Promise.resolve(), strike: () => Promise.resolve(true) };

export interface SoakResult {
  readonly patients: readonly Patient[];
  readonly voyages: number;
  /** Voyages whose fault struck, by fault. */
  readonly struck: ReadonlyMap<string, number>;
  /** Of voyages that ended otherwise than they may; the run ends with the first. */
  readonly wrong: readonly string[];
  /** Differences of descriptors, by patient. */
  readonly leftOpen: ReadonlyMap<Patient, readonly string[]>;
}

/** @param readings folder of forced-gc.mjs @param say takes one line of progress */
export async function soak(
  { minutes, seed }: SoakOptions,
  readings: string,
  say: (line: string) => void,
): Promise<SoakResult> {
  const random = randomFrom(seed);
  await using rig = await FaultRig.start();
  const patients = [
    new Patient('operator', rig.operator, readings),
    ...rig.nodes.map(
      ({ node, agent }) => new Patient(`agent ${node}`, agent.process, readings, SESSION_BYTES),
    ),
    ...rig.nodes.map(({ node, emulator }) => new Patient(`emulator ${node}`, emulator.process, null)),
  ];
  const wrong: string[] = [];
  let voyages = 0;
  const calm = async (): Promise<void> => {
    voyages += 1;
    const { phase, wrong: found } = await voyage(rig, `calm-${voyages}`, CALM, random);
    wrong.push(...found);
    if (phase !== 'Succeeded') wrong.push(`calm-${voyages} ended as ${phase}, without any fault`);
  };
  while (voyages < WARM_UP_VOYAGES && wrong.length === 0) await calm();
  for (const patient of patients) await patient.begin();

  const began = performance.now();
  const struck = new Map<string, number>();
  while (performance.now() - began < minutes * 60_000 && wrong.length === 0) {
    voyages += 1;
    const fault = drawFault(random);
    const outcome = await voyage(rig, `soak-${voyages}`, fault, random);
    if (outcome.struck) struck.set(fault.name, (struck.get(fault.name) ?? 0) + 1);
    wrong.push(...outcome.wrong);
    const at = performance.now() - began;
    for (const patient of patients) await patient.read(at, voyages);
    const met = outcome.struck ? '' : ' (met nothing)';
    say(
      `${(at / 1000).toFixed(0)} s: ${fault.name}${met}: ${outcome.phase}; MiB: ${patients.map(sizeOf).join(' ')}`,
    );
  }
  // Ends where it began, with every connection that a voyage makes.
  const lastOnes = voyages + 1;
  while (wrong.length === 0 && (voyages < lastOnes || rig.source !== rig.nodes[0])) await calm();
  const leftOpen = new Map<Patient, readonly string[]>();
  if (wrong.length === 0)
    for (const patient of patients.filter(({ isCounted }) => isCounted))
      leftOpen.set(patient, await patient.end());
  return { patients, voyages, struck, wrong, leftOpen };
}

/** The last reading that says most, MiB. */
function sizeOf({ series: { heap, rss } }: Patient): string {
  const { bytes } = heap.at(-1) ?? rss.at(-1) ?? { bytes: 0 };
  return (bytes / 2 ** 20).toFixed(2);
}
