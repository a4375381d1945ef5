import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { conditionTypes, errors, isErrorCode, PHASES, reasons, TERMINAL_PHASES } from '@transship/crds';
import { codesChapter, codesOnPage, ERRORS_PAGE } from './errors-page.ts';

const page = readFileSync(ERRORS_PAGE, 'utf8');

/** Rows of the table under a heading, cells trimmed, without the head. */
function rows(heading: string): string[][] {
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

const code = (text: string): string => `\`${text}\``;

describe('docs/errors.md', () => {
  test('has a part for every error code as the table of errors gives it', () => {
    // When it differs: `node --conditions=source test/unit/crds/errors-page.ts` writes it anew.
    expect(codesOnPage(page)).toBe(codesChapter());
  });

  test('lists every condition type', () => {
    expect(rows('Conditions')).toEqual(
      Object.entries(conditionTypes).map(([name, { polarity, present, remedy }]) => [
        code(name),
        polarity,
        present,
        remedy,
      ]),
    );
  });

  test('lists every reason', () => {
    expect(rows('Reasons that are no errors')).toEqual(
      Object.entries(reasons).map(([name, { types, meaning, remedy }]) => [
        code(name),
        types.map(code).join(', '),
        meaning,
        remedy,
      ]),
    );
  });
});

describe('the table of errors', () => {
  test('has codes that fit a condition reason and do not clash with other reasons', () => {
    for (const name of Object.keys(errors)) expect(name).toMatch(/^[A-Z][A-Za-z0-9]{0,63}$/);
    expect(Object.keys(errors).filter((name) => name in reasons)).toEqual([]);
  });

  test('says what happened and what to do in one sentence each', () => {
    for (const { message, remedy } of Object.values(errors)) {
      expect(message).toMatch(/^[A-Zs].*[.]$/);
      expect(remedy).toMatch(/^[A-Z].*[.]$/);
    }
  });

  test('says of every code what was done by itself', () => {
    for (const { response } of Object.values(errors)) expect(response).toMatch(/^[A-Z].*[a-z)][.]$/);
  });

  test('knows its own codes only', () => {
    expect(isErrorCode('DeviceBusy')).toBe(true);
    for (const word of ['', 'devicebusy', 'toString', '__proto__', 'FromTheFuture'])
      expect(isErrorCode(word)).toBe(false);
  });
});

test('every phase on the way, and Succeeded, is a reason; the other ends have an error code instead', () => {
  const ends: readonly string[] = TERMINAL_PHASES.filter((phase) => phase !== 'Succeeded');
  expect(PHASES.filter((phase) => !(phase in reasons))).toEqual(ends);
});
