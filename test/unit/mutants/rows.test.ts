import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { applyEdits } from '../../mutants/apply-edits.ts';
import { conformancePage } from '../../mutants/document.ts';
import { ITEMS } from '../../mutants/row.ts';
import type { SourceMutant } from '../../mutants/row.ts';
import { itemsWithoutRow, rows, sourceMutant } from '../../mutants/rows.ts';

const root = join(import.meta.dirname, '../../..');
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Items with a TRANSSHIP_MUTANT switch in the C++ files below a folder. */
function switchesIn(folder: string): string[] {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  const items = files
    .filter((file) => file.endsWith('.cc'))
    .flatMap((file) => [...textOf(join(folder, file)).matchAll(/TRANSSHIP_MUTANT\("([^"]+)"\)/g)])
    .map(([, item]) => item ?? '');
  return [...new Set(items)].toSorted();
}

const itemsOf = (kind: string): string[] =>
  rows
    .filter(({ mutants }) => mutants.some((mutant) => mutant.kind === kind))
    .map(({ item }) => item)
    .toSorted();

const sourceMutants: readonly SourceMutant[] = rows.flatMap(({ mutants }) =>
  mutants.filter((mutant) => mutant.kind === 'source'),
);

describe('the rows of the mutants', () => {
  test('are one for each of the 57 and 40 items of users and the 28 of a device', () => {
    expect(ITEMS).toHaveLength(125);
    const ends = [0, 56, 57, 96, 97, 124].map((index) => ITEMS[index]);
    expect(ends).toEqual(['V1-01', 'V1-57', 'V2-01', 'V2-40', 'D-01', 'D-28']);
    expect(itemsWithoutRow).toEqual([]);
    expect(rows.map(({ item }) => item)).toEqual(ITEMS);
  });

  test('name each switch of addon and emulator, and none that there is not', () => {
    const switches = switchesIn('native/src');
    const ofV1 = (item: string): boolean => item.startsWith('V1-');
    expect(itemsOf('addon').filter(ofV1)).toEqual(switches.filter(ofV1));
    expect(itemsOf('addon').filter((item) => !switches.includes(item))).toEqual([]);
    expect(itemsOf('native')).toEqual(switches.filter((item) => item.startsWith('V2-')));
    expect(itemsOf('emulator')).toEqual(switchesIn('native/emulator'));
  });

  test('name tests that there are', () => {
    const files = new Set(rows.flatMap(({ mutants }) => mutants.map(({ test: { file } }) => file)));
    expect([...files].filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  test('name C++ tests after their items', () => {
    const refs = rows.flatMap(({ mutants }) => mutants.filter(({ kind }) => kind === 'native'));
    const missing = refs.filter(({ test: { file, name } }) => !textOf(file).includes(name));
    expect(missing).toEqual([]);
  });

  test.each(sourceMutants.map((mutant) => [mutant.id, mutant] as const))(
    '%s still finds what it breaks',
    (id, { edits }) => {
      expect(sourceMutant(id).edits).toBe(edits);
      expect(edits.length).toBeGreaterThan(0);
      for (const file of new Set(edits.map((edit) => edit.file))) {
        expect(applyEdits(textOf(file), file, edits)).not.toBe(textOf(file));
      }
    },
  );

  test('have no two source mutants of one name', () => {
    expect(new Set(sourceMutants.map(({ id }) => id)).size).toBe(sourceMutants.length);
  });
});

/** Without what prettier does to the widths of a table. */
const narrow = (text: string): string => text.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---').trim();

test('docs/conformance.md says what the rows say (npm run test:mutants -- --document)', () => {
  expect(narrow(textOf('docs/conformance.md'))).toBe(narrow(conformancePage()));
});
