import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { NativeDevice } from '@transship/native';
import { eventually } from '../support/managed-process.ts';
import { Bench, expectSilentMonitor } from './conformance/bench.ts';
import { collect, sail } from './conformance/client.ts';

const DEVICES = 3;

let bench: Bench;
let set: NativeDevice[];

beforeAll(async () => {
  // Busy: a device that is stopped while a peer still sends loses something within a few milliseconds.
  bench = await Bench.start({
    devices: DEVICES,
    args: ['--link-rate', '1000', '--link-latency', '5ms', '--dirty-rate', '1M', '--mmap', 'none'],
  });
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => expectSilentMonitor(bench));

type DeviceState = Awaited<ReturnType<NativeDevice['state']>>;

/** The whole set over one arc after the other; none goes on before all have arrived. */
async function together(...states: readonly DeviceState[]): Promise<void> {
  for (const state of states) await Promise.all(set.map((device) => sail(device, state)));
}

async function expectTrafficWithoutLoss(): Promise<void> {
  const received = async (): Promise<number> => {
    const links = await bench.control.links();
    expect(links.filter(({ lost, gaps, doubles }) => lost + gaps + doubles > 0)).toEqual([]);
    return Math.min(...links.map(({ receivedHere }) => receivedHere));
  };
  const before = await received();
  await eventually('traffic on every link', 60_000, async () =>
    (await received()) >= before + 10 ? true : null,
  );
}

describe('V1-30: a set under traffic', () => {
  test.each<[string, DeviceState[], DeviceState[]]>([
    ['quiesced', ['RunningP2P'], ['Running']],
    ['in pre-copy', ['PreCopy'], ['Running']],
    ['quiesced in pre-copy', ['PreCopy', 'PreCopyP2P'], ['RunningP2P', 'Running']],
    ['stopped', ['RunningP2P', 'Stop'], ['RunningP2P', 'Running']],
    ['in stop-and-copy', ['PreCopy', 'PreCopyP2P', 'StopCopy'], ['Stop', 'RunningP2P', 'Running']],
    [
      'in a second stop-and-copy',
      ['RunningP2P', 'Stop', 'StopCopy', 'Stop', 'StopCopy'],
      ['Stop', 'RunningP2P', 'Running'],
    ],
  ])('V1-30: that was %s runs again, and no transaction was lost', async (_, there, back) => {
    set = await Promise.all(Array.from({ length: DEVICES }, (__, index) => bench.open(index)));
    await expectTrafficWithoutLoss();
    await bench.control.ask('freeze');
    await together(...there);
    const last = there.at(-1);
    if (last === 'PreCopy' || last === 'StopCopy') {
      await Promise.all(set.map((device) => collect(device, { limit: 4 })));
    }
    await together(...back);
    await bench.control.ask('thaw');
    await expectTrafficWithoutLoss();
  });
});
