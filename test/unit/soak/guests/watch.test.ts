import { describe, expect, test } from '@jest/globals';
import { kindsOf } from '../../../soak/guests/watch.ts';
import { readWorkload } from '../../../soak/guests/workload.ts';
import { differences } from '../../../soak/judge.ts';

const line = (number: number, target: string): string =>
  `lrwx------    1 0        0               64 Nov 23 20:10 ${number} -> ${target}`;

const LISTING = [
  'total 0',
  line(0, '/dev/null'),
  line(3, 'socket:[812]'),
  line(4, 'socket:[813]'),
  line(5, 'anon_inode:[vfio-device]'),
  line(6, '/dev/vfio/7'),
];

describe('the descriptors of a process in a guest', () => {
  test('are counted by kind', () => {
    expect([...kindsOf(LISTING.join('\n'), 9)]).toEqual([
      ['/dev/null', 1],
      ['socket', 2],
      ['anon_inode:[vfio-device]', 1],
      ['/dev/vfio/7', 1],
    ]);
  });

  test('differ by the one that a broker did not close', () => {
    const before = kindsOf(LISTING.join('\n'), 9);
    const after = kindsOf([...LISTING, line(7, 'anon_inode:[pidfd]'), line(8, 'socket:[901]')].join('\n'), 9);
    expect(differences(before, after)).toEqual([
      'anon_inode:[pidfd]: 0 at the start, 1 at the end',
      'socket: 2 at the start, 3 at the end',
    ]);
  });

  test('of a process that is not there are not none', () => {
    expect(() => kindsOf('total 0\n', 9)).toThrow('process 9 has nothing open');
  });
});

const said = (state: string, counter: number, digest: string): string =>
  JSON.stringify({ state, counter, bytes: 4, digest, blank: [] });

describe('what a workload says of itself', () => {
  test('is nothing before it was ever told anything', () => {
    expect(readWorkload('(node:1) Warning: somebody else\n')).toEqual({
      state: null,
      frozen: null,
      blank: [],
    });
  });

  test('is its last state, and what it held when it was last frozen', () => {
    const log = [
      said('STATE_FROZEN', 5, 'aa'),
      said('STATE_RUNNING', 5, 'aa'),
      said('STATE_FROZEN', 9, 'ab'),
      said('STATE_ENDED', 0, 'ac'),
    ].join('\n');
    expect(readWorkload(log)).toEqual({
      state: 'STATE_ENDED',
      frozen: { counter: 9, digest: 'ab' },
      blank: [],
    });
  });
});
