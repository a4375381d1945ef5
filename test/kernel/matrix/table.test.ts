import { expect, test } from '@jest/globals';
import { matrixTable } from './table.ts';

test('the table says of each cell whether it passed, failed, was not run, or why it cannot be', () => {
  const cell = { door: 'group', device: 'v2 mtty', durationMs: 1234 };
  const lines = matrixTable([
    { ...cell, case: 'save', status: 'passed' },
    { ...cell, case: 'resume', status: 'failed' },
  ]).split('\n');
  const row = lines.find((line) => line.includes('group') && line.includes('v2 mtty')) ?? '';
  const cells = row.split('│').map((text) => text.trim());
  expect(cells.slice(1, -1)).toEqual([
    'group',
    'v2 mtty',
    'ok 1.2 s',
    'not run',
    'not run',
    'FAILED 1.2 s',
    'not run',
    'n/a 1',
    'not run',
    'not run',
  ]);
  expect(lines.at(-1)).toBe('n/a 1: mtty never enters ERROR');
});
