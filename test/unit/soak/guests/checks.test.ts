/** Each check of a voyage between guests fails on what it is to find; the devices are tables here. */
import { describe, expect, test } from '@jest/globals';
import type { KernelNode } from '../../../kernel/voyage/node.ts';
import { checkDigests, checkPlaces } from '../../../soak/guests/checks.ts';

interface Made {
  readonly state?: string;
  readonly peer?: string;
  readonly digest?: string;
  readonly counters?: Readonly<Record<string, number>>;
  readonly workload?: string;
  readonly counter?: number;
  readonly blank?: readonly string[];
  readonly kernel?: readonly string[];
}

/** A node with one device, which goes on receiving. */
function nodeWith(name: string, made: Made): KernelNode {
  const { state = 'Running', peer = '', digest = 'd1', counters = {}, kernel = [], blank = [] } = made;
  let received = 10;
  const attributes: Readonly<Record<string, string>> = { state, peer, kept_digest: digest };
  const { workload = 'STATE_ENDED', counter = 7 } = made;
  const line = (said: string): string =>
    JSON.stringify({ state: said, counter, bytes: 1, digest: 'w', blank });
  const node = {
    name,
    uuids: ['one'],
    own: () => ({
      read: (attribute: string) => Promise.resolve(attributes[attribute]),
      counters: () => Promise.resolve({ received: received++, lost: 0, gaps: 0, doubles: 0, ...counters }),
    }),
    workload: { log: () => Promise.resolve(`${line('STATE_FROZEN')}\n${line(workload)}\n`) },
    guest: { complaints: () => Promise.resolve([...kernel]) },
  };
  return node as unknown as KernelNode;
}

const home = (made: Made = {}): KernelNode =>
  nodeWith('gpu-a', { peer: '2', workload: 'STATE_RUNNING', ...made });
const other = (made: Made = {}): KernelNode => nodeWith('gpu-b', made);

describe('the places of a set', () => {
  test('are right where it runs on one side', async () => {
    expect(await checkPlaces(home(), other())).toEqual([]);
  });

  test.each([
    ['a lost transaction', { counters: { lost: 1 } }, 'gpu-a/0: lost: 1'],
    ['a skipped one', { counters: { gaps: 2 } }, 'gpu-a/0: gaps: 2'],
    ['one that came twice', { counters: { doubles: 1 } }, 'gpu-a/0: doubles: 1'],
    ['a device that stands still', { state: 'StopCopy' }, 'gpu-a/0 is StopCopy'],
    ['a frozen workload', { workload: 'STATE_FROZEN' }, 'the workload on gpu-a is STATE_FROZEN'],
    ['a device that was reset', { blank: ['gpu-a/0'] }, 'the workload on gpu-a was told that gpu-a/0'],
    ['a kernel that complains', { kernel: ['WARNING: at x'] }, 'gpu-a: its kernel: WARNING: at x'],
  ])('are wrong with %s', async (_what, made, why) => {
    expect(await checkPlaces(home(made), other())).toEqual([expect.stringContaining(why)]);
  });

  test('are wrong where two workloads run', async () => {
    expect(await checkPlaces(home(), other({ workload: 'STATE_RUNNING' }))).toEqual([
      'a workload is at work on gpu-b too',
    ]);
  });
});

describe('the digests of a set that has moved', () => {
  test('are those that were saved', async () => {
    expect(await checkDigests(home(), other())).toEqual([]);
  });

  test.each([
    [
      'a device',
      { digest: 'd2' },
      'the devices of gpu-b did not take what was saved: ["d2"] instead of ["d1"]',
    ],
    ['the workload', { counter: 8 }, 'the workload on gpu-b did not take what was saved'],
  ])('are not when %s is another', async (_what, made, why) => {
    expect(await checkDigests(home(), other(made))).toEqual([expect.stringContaining(why)]);
  });

  test('are no proof where no device ever came to a stop', async () => {
    const never = { digest: '0000000000000000 0000000000000000' };
    expect(await checkDigests(home(never), other(never))).toEqual(['a device of gpu-a never came to a stop']);
  });
});
