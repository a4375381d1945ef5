/** What a correct user of a v2 device does: the real addon against real emulator processes. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Bench, expectSilentMonitor } from './conformance/bench.ts';
import { collect, expectAccepted, give, sail } from './conformance/client.ts';
import { granted, lastOf, outcome, refusal } from './conformance/outcome.ts';

const DEVICES = 48;
const WITHOUT_P2P = DEVICES - 1;
const WITHOUT_PRECOPY = DEVICES - 2;
const WITHOUT_RESET = DEVICES - 3;
/** Features of linux/vfio.h. */
const MIG_DATA_SIZE = 9;
const DMA_LOGGING_REPORT = 8;
const PAGE = 4096n;

let bench: Bench;

beforeAll(async () => {
  const lists = [
    '--no-p2p',
    `${WITHOUT_P2P}`,
    '--no-precopy',
    `${WITHOUT_PRECOPY}`,
    '--no-reset',
    `${WITHOUT_RESET}`,
  ];
  const args = ['--protocol', 'v2', '--traffic', 'off', '--dma-logging', 'on', '--checks', 'arc', ...lists];
  bench = await Bench.start({ devices: DEVICES, args });
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => expectSilentMonitor(bench));

describe('states', () => {
  test('V2-01: a device is driven as v2 by the feature that it answers', async () => {
    const device = await bench.open(bench.take());
    expect(device.info).toMatchObject({
      protocol: 'v2',
      p2p: true,
      preCopy: true,
      migrationFlags: 7,
      regionSize: 0,
    });
  });

  test('V2-02, V2-22: states that the device has not are not asked for, and it is no device for a set', async () => {
    const alone = await bench.open(WITHOUT_P2P);
    expect(alone.info).toMatchObject({ p2p: false, preCopy: true, migrationFlags: 5 });
    expect(await outcome(alone.arc('RunningP2P'))).toBe('TRANSSHIP_NO_P2P');
    await sail(alone, 'PreCopy', 'StopCopy', 'Stop', 'Running');
    const abrupt = await bench.open(WITHOUT_PRECOPY);
    expect(abrupt.info).toMatchObject({ p2p: true, preCopy: false, migrationFlags: 3 });
    expect(await outcome(abrupt.arc('PreCopy'))).toBe('TRANSSHIP_ILLEGAL_ARC');
    await sail(abrupt, 'RunningP2P', 'Stop', 'StopCopy', 'Stop', 'RunningP2P', 'Running');
  });

  test('V2-03: ERROR is not asked for', async () => {
    const device = await bench.open(bench.take());
    expect(await outcome(device.arc('Error'))).toBe('TRANSSHIP_ILLEGAL_ARC');
    expect(await granted(device.state())).toBe('Running');
  });

  test('V2-04: after a request that failed, whatever state is read is where the device is', async () => {
    const index = bench.take();
    const device = await bench.open(index);
    await bench.fault(index, 'refuse-arc', { to: 'RunningP2P', errno: 'EBUSY', count: 1 });
    const refused = await refusal(device.arc('RunningP2P'));
    expect(refused).toMatchObject({ code: 'TRANSSHIP_ARC_REFUSED', errno: 'EBUSY', state: 'Running' });
    await sail(device, 'RunningP2P', 'Running');
  });

  test('V2-05, V2-36: nothing is asked for that lies further than one arc', async () => {
    const device = await bench.open(bench.take());
    for (const state of ['Stop', 'StopCopy', 'Resuming', 'PreCopyP2P'] as const) {
      expect(await outcome(device.arc(state))).toBe('TRANSSHIP_ILLEGAL_ARC');
    }
    expect(await granted(device.state())).toBe('Running');
    await sail(device, 'RunningP2P', 'Stop', 'Resuming');
    expect(await granted(device.state())).toBe('Resuming');
  });

  test('V2-09: from StopCopy no way leads back to pre-copy', async () => {
    const device = await bench.open(bench.take());
    await sail(device, 'PreCopy', 'PreCopyP2P', 'StopCopy');
    for (const state of ['PreCopy', 'PreCopyP2P'] as const) {
      expect(await outcome(device.arc(state))).toBe('TRANSSHIP_ILLEGAL_ARC');
    }
    await sail(device, 'Stop', 'RunningP2P', 'Running');
  });

  test('V2-27: RESET ends ERROR when the device is seen in Running, and not before', async () => {
    const index = bench.take();
    const device = await bench.open(index);
    await bench.fault(index, 'error-on-arc', { to: 'RunningP2P', errno: 'EIO', count: 1 });
    expect(await outcome(device.arc('RunningP2P'))).toBe('TRANSSHIP_DEVICE_ERROR');
    expect(await outcome(device.arc('Running'))).toBe('TRANSSHIP_DEVICE_ERROR');
    await bench.fault(index, 'ignore-reset', { count: 1 });
    expect(await outcome(device.reset())).toBe('TRANSSHIP_RESET_FAILED');
    await granted(device.reset());
    expect(await granted(device.state())).toBe('Running');
  });

  test('V2-28: a device that cannot be RESET is known before anything is done to it', async () => {
    const device = await bench.open(WITHOUT_RESET);
    expect(device.info.resetSupported).toBe(false);
    expect(await outcome(device.reset())).toBe('TRANSSHIP_RESET_UNSUPPORTED');
  });

  test('V2-37: a device whose arc takes long holds up no other', async () => {
    const [slow, other] = [bench.take(), bench.take()];
    const quiesced = await bench.open(slow);
    const free = await bench.open(other);
    await bench.fault(slow, 'pri');
    const { stateReads } = await bench.report(slow);
    const arc = quiesced.arc('RunningP2P');
    await lastOf(
      () => bench.report(slow),
      (now) => now.stateReads > stateReads,
    );
    const first = await Promise.race([
      granted(free.arc('PreCopy')).then(() => 'the other device went on'),
      arc.then(() => 'the slow arc ended'),
      delay(20_000, 'nothing moved', { ref: false }),
    ]);
    await bench.control.clear(slow);
    await granted(arc);
    expect(first).toBe('the other device went on');
  });
});

describe('saving', () => {
  test('V2-08: one stream goes from pre-copy to stop-and-copy, with the piece that was open', async () => {
    const device = await bench.open(bench.take());
    await sail(device, 'PreCopy');
    const early = await collect(device);
    expect(early.ended).toBe(false);
    await sail(device, 'PreCopyP2P', 'StopCopy');
    const late = await collect(device);
    expect(late.ended).toBe(true);
    await expectAccepted(await openTarget(), [...early.segments, ...late.segments]);
  });

  test('V2-11: another session begins without anything of the one before', async () => {
    const device = await bench.open(bench.take());
    await sail(device, 'PreCopy');
    expect((await granted(device.nextSegment())).size).toBeGreaterThan(0);
    await sail(device, 'Running', 'PreCopy', 'PreCopyP2P', 'StopCopy');
    const { segments, ended } = await collect(device);
    expect(ended).toBe(true);
    await expectAccepted(await openTarget(), segments);
  });

  test('V2-12: a read that gives less than it was asked for is made again', async () => {
    const index = bench.take();
    const device = await bench.open(index);
    await sail(device, 'RunningP2P', 'Stop', 'StopCopy');
    await bench.fault(index, 'short-read', { count: 5 });
    const { segments, ended } = await collect(device);
    expect(ended).toBe(true);
    await expectAccepted(await openTarget(), segments);
  });

  test.each(['enomsg', 'zero'])('V2-13: nothing now (%s) is no end while the device runs', async (habit) => {
    await using own = await Bench.start({
      devices: 1,
      args: ['--protocol', 'v2', '--traffic', 'off', '--precopy-end', habit],
    });
    const device = await own.open(0);
    await sail(device, 'PreCopy');
    expect((await collect(device)).ended).toBe(false);
    expect(await granted(device.nextSegment())).toEqual({ size: 0, ended: false });
    await sail(device, 'PreCopyP2P', 'StopCopy');
    const late = await collect(device);
    expect(late.ended).toBe(true);
    expect(late.segments.length).toBeGreaterThan(0);
    await expectSilentMonitor(own);
  });

  test('V2-14: ENOMSG from a stopped device is a fault of its driver', async () => {
    const index = bench.take();
    const device = await bench.open(index);
    await sail(device, 'RunningP2P', 'Stop', 'StopCopy');
    await bench.fault(index, 'read-fault', { register: 'data', errno: 'ENOMSG', count: 1 });
    expect(await outcome(device.nextSegment())).toBe('TRANSSHIP_DRIVER_VIOLATION');
    expect(await outcome(device.nextSegment())).toBe('TRANSSHIP_SESSION_FAILED');
  });

  test('V2-15: a stream that is gone makes the state asked for: somebody reset the device', async () => {
    const index = bench.take();
    const device = await bench.open(index);
    await sail(device, 'PreCopy');
    await bench.control.deviceReset(index);
    expect(await outcome(device.nextSegment())).toBe('TRANSSHIP_FOREIGN_STATE_CHANGE');
    expect(await outcome(device.arc('Running'))).toBe('TRANSSHIP_FOREIGN_STATE_CHANGE');
    await granted(device.reset());
  });

  test('V2-16: what waits is asked for in pre-copy alone, and falls to nothing', async () => {
    const device = await bench.open(bench.take());
    await sail(device, 'PreCopy');
    const before = await granted(device.precopyInfo());
    expect(before!.initialBytes + before!.dirtyBytes).toBeGreaterThan(0);
    await collect(device);
    expect(await granted(device.precopyInfo())).toMatchObject({ initialBytes: 0, dirtyBytes: 0 });
    await sail(device, 'PreCopyP2P', 'StopCopy');
    expect(await outcome(device.precopyInfo())).toBe('TRANSSHIP_NOT_SAVING');
  });

  test('V2-18: how much a stop-and-copy has is asked for by its own feature', async () => {
    const device = await bench.open(bench.take());
    await sail(device, 'PreCopy', 'PreCopyP2P', 'StopCopy');
    const size = await granted(device.stopCopySize());
    expect(await granted(device.pendingBytes())).toBe(size);
    const { segments } = await collect(device);
    // An estimate: it leaves out the records that the contents come in.
    expect(size).toBeGreaterThan(Buffer.concat(segments).length * 0.95);
    expect(await granted(device.pendingBytes())).toBe(0);
  });

  test('V2-19: a device that does not tell how much is no device that has failed', async () => {
    const index = bench.take();
    const device = await bench.open(index);
    await bench.fault(index, 'feature-fault', { feature: MIG_DATA_SIZE, errno: 'EIO' });
    await sail(device, 'RunningP2P', 'Stop', 'StopCopy');
    expect(await granted(device.stopCopySize())).toBeNull();
    expect((await collect(device)).ended).toBe(true);
  });

  test('V2-20: new initial data are told of once the user has chosen to hear of them', async () => {
    await using own = await Bench.start({
      devices: 1,
      args: ['--protocol', 'v2', '--traffic', 'off', '--precopy-info', 'v2'],
    });
    const device = await own.open(0);
    await sail(device, 'PreCopy');
    await collect(device);
    expect(await granted(device.precopyInfo())).toEqual({ initialBytes: 0, dirtyBytes: 0, reinit: false });
    await own.fault(0, 'reinit', { count: 1 });
    const again = await granted(device.precopyInfo());
    expect(again!.reinit).toBe(true);
    expect(again!.initialBytes).toBeGreaterThan(0);
    await expectSilentMonitor(own);
  });
});

describe('resuming', () => {
  async function saved(fault?: string): Promise<Buffer[]> {
    const index = bench.take();
    const device = await bench.open(index);
    if (fault !== undefined) await bench.fault(index, fault, { count: 1 });
    await sail(device, 'RunningP2P', 'Stop', 'StopCopy');
    const { segments } = await collect(device);
    await sail(device, 'Stop');
    return segments;
  }

  test('V2-24: a device that refuses what it was given is RESET, and never runs on it', async () => {
    const device = await openTarget();
    await sail(device, 'RunningP2P', 'Stop', 'Resuming');
    await give(device, await saved('corrupt-stream'));
    expect(await outcome(device.arc('Stop'))).toBe('TRANSSHIP_LOAD_REJECTED');
    expect(await outcome(device.arc('Stop'))).toBe('TRANSSHIP_SESSION_FAILED');
    await granted(device.reset());
    expect(await granted(device.state())).toBe('Running');
  });

  test('V2-25: a load that has failed is left by RESET alone', async () => {
    const index = bench.take();
    const device = await bench.open(index);
    await sail(device, 'RunningP2P', 'Stop', 'Resuming');
    await bench.fault(index, 'write-fault', { register: 'data', errno: 'EIO', count: 1 });
    const [first] = await saved();
    await granted(device.beginSegment(first!.length));
    await granted(device.writeSegment(first!));
    expect(await outcome(device.commitSegment())).toBe('TRANSSHIP_ACCESS_FAILED');
    expect(await outcome(device.arc('Stop'))).toBe('TRANSSHIP_SESSION_FAILED');
    await granted(device.reset());
  });
});

describe('DMA logging', () => {
  const ranges = [{ iova: 0n, length: 64n * PAGE }];
  const whole = ranges[0]!;

  test('V2-31, V2-32: one log at a time, in pages of the device, and each report begins empty', async () => {
    const device = await bench.open(bench.take());
    expect(device.info.dmaLogging).toBe(true);
    expect(await granted(device.startDmaLogging(ranges, 65_536))).toBe(Number(PAGE));
    expect(await outcome(device.startDmaLogging(ranges, 4096))).toBe('TRANSSHIP_INVALID_ARGUMENT');
    const report = await granted(device.reportDmaLogging(whole));
    expect(report.equals(Buffer.alloc(8))).toBe(true);
    await granted(device.stopDmaLogging());
    expect(await outcome(device.reportDmaLogging(whole))).toBe('TRANSSHIP_INVALID_ARGUMENT');
  });

  test('V2-33: a log of which a report has failed is not believed any more', async () => {
    const index = bench.take();
    const device = await bench.open(index);
    await granted(device.startDmaLogging(ranges, 4096));
    await bench.fault(index, 'feature-fault', { feature: DMA_LOGGING_REPORT, errno: 'EIO', count: 1 });
    expect(await outcome(device.reportDmaLogging(whole))).toBe('TRANSSHIP_ACCESS_FAILED');
    expect(await outcome(device.reportDmaLogging(whole))).toBe('TRANSSHIP_SESSION_FAILED');
    await granted(device.stopDmaLogging());
    await granted(device.startDmaLogging(ranges, 4096));
    await granted(device.stopDmaLogging());
  });
});

/** A fresh device to load a stream into, its bus mastering off (V2-36). */
async function openTarget() {
  const device = await bench.open(bench.take());
  await granted(device.writeConfig(4, Buffer.from([0, 0])));
  return device;
}
