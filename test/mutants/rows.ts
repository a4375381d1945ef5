import { addonRows } from './addon-rows.ts';
import { emulatorRows } from './emulator-rows.ts';
import { nativeRows } from './native-rows.ts';
import { ITEMS } from './row.ts';
import type { Row, SourceMutant } from './row.ts';
import { sourceRows } from './source-rows.ts';
import { v2Rows } from './v2-rows.ts';

const allRows: readonly Row[] = [...addonRows, ...nativeRows, ...emulatorRows, ...sourceRows, ...v2Rows];

/** One row for each item, in the order of the list; an item that several parts keep has the mutants of all. */
export const rows: readonly Row[] = ITEMS.flatMap((item) => {
  const parts = allRows.filter((row) => row.item === item);
  const [first] = parts;
  return first === undefined ? [] : [{ ...first, mutants: parts.flatMap(({ mutants }) => mutants) }];
});

/** Items that nothing proves. */
export const itemsWithoutRow: readonly string[] = ITEMS.filter(
  (item) => !rows.some((row) => row.item === item && row.mutants.length > 0),
);

/** @throws RangeError for an id that there is not. */
export function sourceMutant(id: string): SourceMutant {
  for (const { mutants } of allRows) {
    for (const mutant of mutants) if (mutant.kind === 'source' && mutant.id === id) return mutant;
  }
  throw new RangeError(`there is no source mutant ${id}`);
}
