/** Every item of both protocols is shown by a test of this suite, or listed with the reason why not. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { projectRoot } from '../support/processes.ts';
import { NOT_SHOWN } from './not-shown.ts';

const ITEM = /\bV[12]-\d\d\b/g;

/** Items that the documentation has. */
async function allItems(): Promise<string[]> {
  const page = await readFile(join(projectRoot, 'docs/conformance.md'), 'utf8');
  return [...page.matchAll(/^\| (V[12]-\d\d) \|/gm)].map(([, item]) => item ?? '');
}

/** Items in the names of tests. */
async function shownItems(): Promise<Set<string>> {
  const files = await readdir(import.meta.dirname, { recursive: true });
  const tests = files.filter((file) => file.endsWith('.test.ts') && !file.endsWith('not-shown.test.ts'));
  const texts = await Promise.all(tests.map((file) => readFile(join(import.meta.dirname, file), 'utf8')));
  return new Set(texts.flatMap((text) => [...text.matchAll(ITEM)].map(([item]) => item)));
}

test('every item is shown on a real kernel or listed with the reason', async () => {
  const shown = await shownItems();
  const listed = NOT_SHOWN.flatMap(({ items }) => items);
  const all = await allItems();
  expect(all.length).toBeGreaterThan(90);
  expect(all.filter((item) => !shown.has(item) && !listed.includes(item))).toEqual([]);
  expect(listed.filter((item) => shown.has(item) || !all.includes(item))).toEqual([]);
});
