import { growthOf, leak, total, type Growth } from './judge.ts';
import type { Measure, SoakResult, Watched } from './watched.ts';

const MiB = 2 ** 20;
const WHAT: Readonly<Record<Measure, string>> = {
  heap: 'heap without code, and buffers, after a forced collection',
  rss: 'resident set',
};

export interface Report {
  readonly lines: readonly string[];
  readonly passed: number;
  readonly failed: number;
}

interface Check {
  readonly line: string;
  readonly holds: boolean;
}

/** What a run came to, for people, and how many of the things that were looked at are right. */
export function report({ patients, voyages, struck, silent, wrong, leftOpen }: SoakResult): Report {
  const faults = [...struck]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([name, count]) => `${name} ${count}`);
  const checks: Check[] = [
    {
      line: `${voyages} voyages; faults that struck: ${faults.join(', ')}; given up in silence: ${silent}; wrong: ${wrong.length === 0 ? 'nothing' : wrong.join('; ')}`,
      holds: wrong.length === 0 && struck.size > 0,
    },
    ...patients.flatMap((patient) => [
      ...(patient.isCounted ? [descriptorsOf(patient, leftOpen.get(patient))] : []),
      ...patient.measures.map((measure) => memoryOf(patient, measure)),
    ]),
  ];
  return {
    lines: checks.map(({ line, holds }) => `${holds ? 'ok    ' : 'WRONG '} ${line}`),
    passed: checks.filter(({ holds }) => holds).length,
    failed: checks.filter(({ holds }) => !holds).length,
  };
}

function descriptorsOf({ name, before, after }: Watched, different: readonly string[] | undefined): Check {
  if (different === undefined) return { line: `${name}: descriptors were not counted`, holds: false };
  const counts = `${total(before)} at the start, ${total(after)} at the end`;
  return {
    line: `${name}: descriptors: ${counts}${different.map((one) => `; ${one}`).join('')}`,
    holds: different.length === 0,
  };
}

function memoryOf({ name, series, slack }: Watched, measure: Measure): Check {
  const points = series[measure];
  let growth: Growth;
  try {
    growth = growthOf(points);
  } catch (error) {
    return { line: `${name}: ${WHAT[measure]}: ${(error as Error).message}`, holds: false };
  }
  const why = leak(growth, measure === 'rss' ? slack : 0);
  const [first, last] = [points.at(0)?.bytes ?? 0, points.at(-1)?.bytes ?? 0].map((bytes) =>
    (bytes / MiB).toFixed(2),
  );
  const rate = `${growth.percent.toFixed(2)} % (${(growth.bytesPerHour / MiB).toFixed(2)} MiB/h, ${growth.points} readings)`;
  return {
    line: `${name}: ${WHAT[measure]}: ${first} MiB at first, ${last} MiB at last, slope of the last two thirds ${rate}`,
    holds: why === null,
  };
}
