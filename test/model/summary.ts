import type { Result } from './explore.ts';

/** One exploration in a line. */
export function summary(name: string, result: Result): string {
  const { states, levels, transitions, depth, exhausted, violation } = result;
  const each = levels.map((count, faults) => `${count} with ${faults}`).join(', ');
  const outcome =
    violation === null
      ? exhausted
        ? 'exhausted, 0 violations'
        : 'NOT exhausted: the bound was reached'
      : `VIOLATION of ${violation.what} in ${violation.trace.length} steps`;
  return `${name}: ${states} states (${each} faults), ${transitions} transitions, depth ${depth}, ${outcome}`;
}
