/** V2 items, shown on a real kernel. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { refused, withCode } from '../outcome.ts';
import { connectGuests } from '../rig/guests.ts';
import type { Guests } from '../rig/guests.ts';
import { collect, cutShort, give, sail } from '../matrix/streams.ts';
import { bench, expectLoads, wholeStream } from './bench.ts';
import type { Bench } from './bench.ts';

let guests: Guests;

beforeAll(async () => {
  guests = await connectGuests();
});

afterEach(async () => {
  expect(await guests.cdev.complaints()).toEqual([]);
});

afterAll(async () => {
  await guests[Symbol.asyncDispose]();
});

const v2 = (options = {}): Promise<Bench> => bench(guests.cdev, 'v2', options);

const ABSENT = {
  p2p: { arc: 'RunningP2P', code: 'TRANSSHIP_NO_P2P' },
  preCopy: { arc: 'PreCopy', code: 'TRANSSHIP_ILLEGAL_ARC' },
  error: { arc: 'Error' as never, code: 'TRANSSHIP_ILLEGAL_ARC' },
} as const;

test.each([
  ['everything', {}, 7, [ABSENT.error]],
  ['no P2P', { p2p: 0 }, 5, [ABSENT.p2p, ABSENT.error]],
  ['no pre-copy', { precopy: 0 }, 3, [ABSENT.preCopy, ABSENT.error]],
  ['neither', { p2p: 0, precopy: 0 }, 1, [ABSENT.p2p, ABSENT.preCopy, ABSENT.error]],
])(
  'V2-01, V2-02, V2-03, V2-22: with %s it is asked for what it has',
  async (_what, options, flags, absent) => {
    await using one = await v2(options);
    const { device } = one;
    const [p2p, preCopy] = [(flags & 2) !== 0, (flags & 4) !== 0];
    expect(device.info).toMatchObject({ protocol: 'v2', migrationFlags: flags, p2p, preCopy });
    for (const { arc, code } of absent) {
      expect(await refused(device.arc(arc))).toMatchObject(withCode(code));
    }
    expect(await one.orders()).toEqual([]);
    await sail(device, ...(p2p ? (['RunningP2P'] as const) : []), 'Stop', 'StopCopy');
    expect((await collect(device)).ended).toBe(true);
  },
);

test.each(['Stop', 'PreCopy'])(
  'V2-04: a refusal that leaves it in %s is read as what it is',
  async (shown) => {
    await using one = await v2();
    await one.own.fault(`wrong RunningP2P ${shown} EIO 1`);
    expect(await refused(one.device.arc('RunningP2P'))).toMatchObject({ name: 'GuestError', state: shown });
    await one.device.reset();
    expect(await one.device.state()).toBe('Running');
  },
);

test('V2-06, V2-07, V2-08, V2-40: one descriptor from pre-copy to the end of the stream, and none after it', async () => {
  await using one = await v2();
  const none = await one.dataFiles();
  await one.device.arc('PreCopy');
  expect(await one.dataFiles()).toBe(none + 1);
  for (let turn = 0; turn < 20; turn++) expect(await one.device.state()).toBe('PreCopy');
  await sail(one.device, 'PreCopyP2P', 'StopCopy');
  expect(await one.dataFiles()).toBe(none + 1);
  expect((await collect(one.device)).ended).toBe(true);
  await one.device.arc('Stop');
  expect(await one.dataFiles()).toBe(none);
  await one.device.arc('Resuming');
  expect(await one.dataFiles()).toBe(none + 1);
  await one.device.reset();
  expect(await one.dataFiles()).toBe(none);
});

test('V2-09: StopCopy is never left for pre-copy', async () => {
  await using one = await v2();
  await sail(one.device, 'RunningP2P', 'Stop', 'StopCopy');
  await one.orders();
  for (const state of ['PreCopy', 'PreCopyP2P'] as const) {
    expect(await refused(one.device.arc(state))).toMatchObject(withCode('TRANSSHIP_ILLEGAL_ARC'));
  }
  expect(await one.orders()).toEqual([]);
});

test('V2-10, V2-11, V2-12: a descriptor that gives and takes odd pieces carries the whole state', async () => {
  await using one = await v2({ chunk: 1021 });
  await expectLoads(guests.cdev, one, await wholeStream(one));
  await using other = await v2();
  await using target = await v2({ chunk: 1021 });
  await sail(target.device, 'RunningP2P', 'Stop', 'Resuming');
  await give(target.device, await wholeStream(other));
  await target.device.arc('Stop');
  expect(await target.own.digest()).toBe(await other.own.digest());
});

test.each([
  ['ENOMSG', 1],
  ['an empty read', 0],
])('V2-13: %s in pre-copy is no end', async (_what, enomsg) => {
  await using one = await v2({ enomsg });
  await one.device.arc('PreCopy');
  const { segments, ended } = await collect(one.device);
  expect(ended).toBe(false);
  await sail(one.device, 'PreCopyP2P', 'StopCopy');
  const rest = await collect(one.device);
  expect(rest.ended).toBe(true);
  await expectLoads(guests.cdev, one, [...segments, ...rest.segments]);
});

test('V2-14: ENOMSG in StopCopy is a fault of the driver', async () => {
  await using one = await v2();
  await sail(one.device, 'RunningP2P', 'Stop', 'StopCopy');
  await one.own.fault('data_errno ENOMSG 1');
  expect(await refused(collect(one.device))).toMatchObject(withCode('TRANSSHIP_DRIVER_VIOLATION'));
});

test('V2-15: a stream whose device was reset ends with the truth', async () => {
  await using one = await v2();
  await sail(one.device, 'RunningP2P', 'Stop', 'StopCopy');
  await one.own.write('reset', 1);
  expect(await refused(collect(one.device))).toMatchObject(withCode('TRANSSHIP_FOREIGN_STATE_CHANGE'));
});

test('V2-16, V2-18: what is left is asked for where it can be told', async () => {
  await using one = await v2();
  expect(await refused(one.device.precopyInfo())).toMatchObject(withCode('TRANSSHIP_NOT_SAVING'));
  await one.device.arc('PreCopy');
  expect((await one.device.precopyInfo())?.initialBytes).toBeGreaterThan(0);
  await collect(one.device);
  expect(await one.device.precopyInfo()).toMatchObject({ initialBytes: 0 });
  await sail(one.device, 'PreCopyP2P', 'StopCopy');
  expect(await refused(one.device.precopyInfo())).toMatchObject(withCode('TRANSSHIP_NOT_SAVING'));
  expect(await one.device.stopCopySize()).toBeGreaterThan(0);
});

test('V2-19: a size that the device does not tell hurts nobody', async () => {
  await using one = await v2();
  await one.own.fault('size_errno EIO');
  await one.device.stopCopySize().catch(() => null);
  await expectLoads(guests.cdev, one, await wholeStream(one));
});

test.each([
  ['with the opt-in', 1, true],
  ['without it', 0, false],
])('V2-20: new initial data is believed %s: %p', async (_what, precopy_info_v2, isSeen) => {
  await using one = await v2({ precopy_info_v2 });
  await one.device.arc('PreCopy');
  await collect(one.device);
  await one.own.write('reinit', 1);
  expect((await one.device.precopyInfo())?.reinit).toBe(isSeen);
});

test('V2-24, V2-25: a load that was rejected is left by RESET alone', async () => {
  await using one = await v2();
  await using target = await v2();
  const segments = await wholeStream(one);
  await sail(target.device, 'RunningP2P', 'Stop', 'Resuming');
  await give(target.device, cutShort(segments, 'v2'));
  expect(await refused(target.device.arc('Stop'))).toMatchObject(withCode('TRANSSHIP_LOAD_REJECTED'));
  await target.orders();
  expect(await refused(target.device.arc('RunningP2P'))).toMatchObject({ name: 'GuestError' });
  await target.device.reset();
  expect(await target.orders()).toEqual([expect.stringMatching(/>Reset=Running$/)]);
});

test('V2-27, V2-28: a RESET that fails or leads nowhere is not believed', async () => {
  await using one = await v2();
  await one.own.fault('error RunningP2P EIO');
  expect(await refused(one.device.arc('RunningP2P'))).toMatchObject(withCode('TRANSSHIP_DEVICE_ERROR'));
  for (const fault of ['fail_reset EIO 1', 'ignore_reset 1']) {
    await one.own.fault(fault);
    expect(await refused(one.device.reset())).toMatchObject(withCode('TRANSSHIP_RESET_FAILED'));
  }
  await one.device.reset();
  expect(await one.device.state()).toBe('Running');
});

test('V2-31, V2-32: one log is started, in pages of the size that the device has, and told from empty bitmaps', async () => {
  await using one = await v2({ log_page_kib: 64 });
  expect(one.device.info.dmaLogging).toBe(true);
  const range = { iova: 0x1_0000_0000n, length: 0x10_0000n };
  expect(await one.device.startDmaLogging([range], 4096)).toBe(64 * 1024);
  for (let turn = 0; turn < 2; turn++) {
    const bitmap = await one.device.reportDmaLogging(range);
    expect(bitmap.every((byte) => byte === 0)).toBe(true);
  }
  await one.device.stopDmaLogging();
});

test('V2-33: a report that fails is an error, not an empty log', async () => {
  await using one = await v2();
  const range = { iova: 0x1_0000_0000n, length: 0x10_0000n };
  await one.device.startDmaLogging([range], 4096);
  await one.own.fault('log_errno EIO 1');
  expect(await refused(one.device.reportDmaLogging(range))).toMatchObject({
    name: 'GuestError',
    errno: 'EIO',
  });
  await one.device.stopDmaLogging();
});

test('V2-35: configuration space is read and written while the device is stopped', async () => {
  await using one = await v2();
  await sail(one.device, 'RunningP2P', 'Stop', 'StopCopy');
  await one.device.writeConfig(4, Buffer.from([0x06, 0]));
  expect((await one.device.readConfig(4, 2)).readUInt16LE(0) & 0x06).toBe(0x06);
  expect((await one.own.counters())['stopped_accesses']).toBe(0);
});

test('V2-05, V2-36: a fresh device gets to Resuming and back arc by arc', async () => {
  await using one = await v2();
  await sail(one.device, 'RunningP2P', 'Stop', 'Resuming');
  expect(await one.orders()).toEqual([
    'Running>RunningP2P=RunningP2P',
    'RunningP2P>Stop=Stop',
    'Stop>Resuming=Resuming',
  ]);
  expect(await refused(one.device.arc('Running'))).toMatchObject(withCode('TRANSSHIP_ILLEGAL_ARC'));
});

test('V2-37, V2-39: a device that is slow to obey holds up no other, and is asked nothing else meanwhile', async () => {
  await using slow = await v2();
  await using quick = await v2();
  await slow.own.fault('stall_ms RunningP2P 3000 1');
  let isOver = false;
  const quiet = slow.device.arc('RunningP2P').then(() => {
    isOver = true;
  });
  const next = slow.device.arc('Stop');
  await expectLoads(guests.cdev, quick, await wholeStream(quick));
  await Promise.all([quiet, next]);
  expect(isOver).toBe(true);
  expect(await slow.orders()).toEqual(['Running>RunningP2P=RunningP2P', 'RunningP2P>Stop=Stop']);
});
