import { entriesOf } from '../logs.ts';

/** What operators log of commands: those of a voyage, and the discard of a target that an ended one has left. */
const COMMANDS = [
  'agent answered',
  'a target that an ended migration had left was told to reset',
  'a leftover was not reset',
] as const;

interface Commanded {
  readonly uid: string;
  readonly fence: number;
  readonly instance: string;
}

/** By UID and fence: who commanded, as the operators logged it when agents answered. */
export function commandersOf(log: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Set<string>>();
  for (const { uid, fence, instance } of COMMANDS.flatMap((what) => entriesOf<Commanded>(log, what))) {
    const key = `${uid} ${fence}`;
    found.set(key, (found.get(key) ?? new Set()).add(instance));
  }
  return new Map([...found].map(([key, instances]) => [key, [...instances]]));
}
