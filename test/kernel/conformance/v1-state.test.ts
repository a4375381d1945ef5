/** V1 items of the state register, shown on a real kernel. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { refused, withCode } from '../outcome.ts';
import { connectGuests } from '../rig/guests.ts';
import type { Guests } from '../rig/guests.ts';
import { collect, sail } from '../matrix/streams.ts';
import { bench, wholeStream } from './bench.ts';
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

const v1 = (options = {}): Promise<Bench> => bench(guests.cdev, 'v1', options);

/** Index of the migration region, behind a region of the vendor's own; device_state is its first field. */
const MIGRATION = 10;
const DECOY = 9;

test('V1-01: the migration region is found behind another region of a device-specific type', async () => {
  await using one = await v1();
  expect(one.device.info).toMatchObject({ protocol: 'v1' });
  expect(await one.device.regionRead(DECOY, 0, 4)).toEqual(Buffer.alloc(4, 0xff));
  expect((await wholeStream(one)).length).toBeGreaterThan(0);
});

test('V1-02: a device that takes fields at their own width alone gives and takes a whole stream', async () => {
  await using one = await v1();
  expect(await refused(one.device.regionRead(MIGRATION, 0, 2))).toMatchObject({ name: 'GuestError' });
  expect(await refused(one.device.regionRead(MIGRATION, 2, 4))).toMatchObject({ name: 'GuestError' });
  expect((await wholeStream(one)).length).toBeGreaterThan(0);
});

test('V1-03, V1-04, V1-05, V1-06, V1-17, V1-30: states are one write each, valid, and there when it returns', async () => {
  await using one = await v1();
  const way = ['PreCopy', 'PreCopyP2P', 'StopCopy', 'Stop', 'RunningP2P', 'Running'] as const;
  for (const state of way) {
    await one.device.arc(state);
    expect(await one.device.state()).toBe(state);
    expect(await one.own.read('state')).toBe(state);
  }
  // From stopped to quiet is one write of two bits: any other way would let DMA out.
  expect(await one.orders()).toEqual([
    'Running>PreCopy=PreCopy',
    'PreCopy>PreCopyP2P=PreCopyP2P',
    'PreCopyP2P>StopCopy+NDMA=StopCopy+NDMA',
    'StopCopy+NDMA>StopCopy=StopCopy',
    'StopCopy>Stop=Stop',
    'Stop>RunningP2P=RunningP2P',
    'RunningP2P>Running=Running',
  ]);
});

test('V1-07: a state that somebody else has set is a foreign change', async () => {
  await using one = await v1();
  await one.own.write('state', 'Stop');
  expect(await refused(one.device.arc('PreCopy'))).toMatchObject(withCode('TRANSSHIP_FOREIGN_STATE_CHANGE'));
  expect(await one.own.read('state')).toBe('Stop');
});

test('V1-08, V1-09, V1-33: a refused arc leaves the old state, which is read and gone on from', async () => {
  await using one = await v1();
  await one.own.fault('refuse PreCopy EINVAL 1');
  const error = await refused(one.device.arc('PreCopy'));
  expect(error).toMatchObject({ ...withCode('TRANSSHIP_ARC_REFUSED'), errno: 'EINVAL', state: 'Running' });
  await sail(one.device, 'RunningP2P', 'Stop');
});

test('V1-09: any third state after a refusal is the fault of the driver', async () => {
  await using one = await v1();
  await one.own.fault('wrong RunningP2P Stop EIO 1');
  expect(await refused(one.device.arc('RunningP2P'))).toMatchObject(withCode('TRANSSHIP_DRIVER_VIOLATION'));
  await one.device.reset();
  expect(await one.device.state()).toBe('Running');
});

test('V1-10, V1-32: nothing but RESET is asked of a device in ERROR, whatever its reserved bits', async () => {
  await using one = await v1();
  await one.device.regionWrite(MIGRATION, 0, Buffer.from([0x31, 0, 0, 0]));
  await one.orders();
  await one.own.fault('error RunningP2P EIO');
  expect(await refused(one.device.arc('RunningP2P'))).toMatchObject(withCode('TRANSSHIP_DEVICE_ERROR'));
  expect(await one.device.state()).toBe('Error');
  await one.orders();
  expect(await refused(one.device.arc('Stop'))).toMatchObject({ name: 'GuestError' });
  expect(await refused(one.device.nextSegment())).toMatchObject({ name: 'GuestError' });
  expect(await one.orders()).toEqual([]);
  await one.device.reset();
  expect(await one.orders()).toEqual(['Error>Reset=Running']);
});

test('V1-11: a RESET that does not lead to Running is not believed', async () => {
  await using one = await v1();
  await one.device.arc('PreCopy');
  await one.own.fault('ignore_reset 1');
  expect(await refused(one.device.reset())).toMatchObject(withCode('TRANSSHIP_RESET_FAILED'));
  await one.device.reset();
  expect(await one.device.state()).toBe('Running');
});

test.each([
  [['PreCopy']],
  [['RunningP2P', 'Stop']],
  [['PreCopy', 'PreCopyP2P', 'StopCopy']],
  [['RunningP2P', 'Stop', 'Resuming']],
] as const)('V1-13, V1-57: RESET leads from %j to Running', async (way) => {
  await using one = await v1();
  await sail(one.device, ...way);
  await one.device.reset();
  expect(await one.device.state()).toBe('Running');
  expect(await one.own.read('state')).toBe('Running');
});

test('V1-16: configuration space answers while the device is stopped', async () => {
  await using one = await v1();
  await sail(one.device, 'RunningP2P', 'Stop', 'StopCopy');
  expect((await one.device.readConfig(0, 4)).readUInt16LE(2)).toBe(one.device.info.deviceId);
  await one.device.writeConfig(4, Buffer.from([0x06, 0]));
  expect((await one.device.readConfig(4, 2)).readUInt16LE(0) & 0x06).toBe(0x06);
});

test('V1-24, V1-25: without NDMA a device moves alone and is not quiesced', async () => {
  await using one = await v1({ ndma: 0 });
  expect(one.device.info.p2p).toBe(false);
  expect(await refused(one.device.arc('RunningP2P'))).toMatchObject(withCode('TRANSSHIP_NO_P2P'));
  await sail(one.device, 'Stop', 'StopCopy');
  expect((await collect(one.device)).ended).toBe(true);
});

test('V1-28: a device that is slow to become quiet holds up no other', async () => {
  await using slow = await v1({ quiesce_ms: 3000 });
  await using quick = await v1();
  let isOver = false;
  const quiet = slow.device.arc('RunningP2P').then(() => {
    isOver = true;
  });
  await sail(quick.device, 'RunningP2P', 'Stop', 'StopCopy');
  expect((await collect(quick.device)).ended).toBe(true);
  expect(isOver).toBe(false);
  await quiet;
  expect(await slow.own.read('state')).toBe('RunningP2P');
});

test('V1-29: NDMA of a stopped device is read and means nothing', async () => {
  await using one = await v1();
  await sail(one.device, 'RunningP2P', 'Stop');
  await one.device.regionWrite(MIGRATION, 0, Buffer.from([0x08, 0, 0, 0]));
  expect(await one.own.read('state')).toBe('Stop+NDMA');
  expect(await one.device.state()).toBe('Stop');
  await one.device.arc('StopCopy');
});

test('V1-31: the reserved bits of device_state stay as they are', async () => {
  await using one = await v1();
  await one.device.regionWrite(MIGRATION, 0, Buffer.from([0xa1, 0xbc, 0xde, 0x0f]));
  await sail(one.device, 'RunningP2P', 'Stop', 'StopCopy', 'Stop', 'RunningP2P', 'Running');
  expect((await one.device.rawState()) >>> 0).toBe(0x0f_de_bc_a1);
});
