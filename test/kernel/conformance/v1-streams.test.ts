/** V1 items of the data section, shown on a real kernel. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { refused, withCode } from '../outcome.ts';
import { connectGuests } from '../rig/guests.ts';
import type { Guests } from '../rig/guests.ts';
import { openRemote } from '../rig/remote-device.ts';
import { collect, give, sail } from '../matrix/streams.ts';
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

const v1 = (options = {}): Promise<Bench> => bench(guests.cdev, 'v1', options);

/** Pieces that divide neither a segment nor a page. */
const ODD_PIECE = 1021;

/** Collects in odd pieces, and asks how much is left as often as it may. */
async function collectOddly({ device }: Bench): Promise<{ segments: Buffer[]; ended: boolean }> {
  const segments: Buffer[] = [];
  for (;;) {
    await device.pendingBytes();
    await device.pendingBytes();
    const next = await device.nextSegment();
    if (next.size === 0) return { segments, ended: 'ended' in next && next.ended };
    const pieces: Buffer[] = [];
    for (let last = false; !last;) {
      const piece = await device.readSegment(ODD_PIECE);
      pieces.push(piece.data);
      last = piece.last;
    }
    segments.push(Buffer.concat(pieces));
  }
}

test('V1-35, V1-36, V1-41, V1-42, V1-44, V1-45, V1-53: collected in pieces, at moving offsets, the state is whole', async () => {
  await using one = await v1();
  await sail(one.device, 'RunningP2P', 'Stop', 'StopCopy');
  const { segments, ended } = await collectOddly(one);
  expect(ended).toBe(true);
  expect(segments.length).toBeGreaterThan(3);
  await expectLoads(guests.cdev, one, segments);
});

test('V1-37, V1-38: nothing now is no end while the device runs, and is one when it is stopped', async () => {
  await using one = await v1();
  await one.device.arc('PreCopy');
  const first = await collect(one.device);
  expect(first.ended).toBe(false);
  await one.own.write('dirty_kib_s', 64);
  let more = await one.device.nextSegment();
  for (let turn = 0; turn < 1000 && more.size === 0; turn++) more = await one.device.nextSegment();
  expect(more.size).toBeGreaterThan(0);
  await one.own.write('dirty_kib_s', 0);
  await collect(one.device).catch(() => undefined);
});

test('V1-20, V1-39, V1-43, V1-51: pre-copy is left in the middle of a segment, and the stream goes on without a gap', async () => {
  await using one = await v1();
  await one.device.arc('PreCopy');
  // The first one is so small that nothing of it would be left.
  await one.device.nextSegment();
  const segments = [(await one.device.readSegment(1 << 20)).data];
  const next = await one.device.nextSegment();
  const begun = await one.device.readSegment(ODD_PIECE);
  await sail(one.device, 'PreCopyP2P', 'StopCopy');
  const rest: Buffer[] = [begun.data];
  for (let last = false; !last;) {
    const piece = await one.device.readSegment(1 << 20);
    rest.push(piece.data);
    last = piece.last;
  }
  segments.push(Buffer.concat(rest));
  expect(segments[1]).toHaveLength(next.size);
  segments.push(...(await collect(one.device)).segments);
  await expectLoads(guests.cdev, one, segments);
});

test('V1-18, V1-19, V1-40: leaving SAVING ends the stream, and another one begins at its beginning', async () => {
  await using one = await v1();
  await sail(one.device, 'RunningP2P', 'Stop', 'StopCopy');
  await one.device.nextSegment();
  await one.device.readSegment(ODD_PIECE);
  await one.device.arc('Stop');
  expect(await refused(one.device.readSegment(ODD_PIECE))).toMatchObject({ name: 'GuestError' });
  expect(await refused(one.device.nextSegment())).toMatchObject(withCode('TRANSSHIP_NOT_SAVING'));
  expect(await refused(one.device.pendingBytes())).toMatchObject(withCode('TRANSSHIP_NOT_SAVING'));
  await one.device.arc('StopCopy');
  await expectLoads(guests.cdev, one, (await collect(one.device)).segments);
});

test.each([
  ['nothing can be mapped', 0, 0],
  ['the data section can be mapped', 1, 1],
  ['half of it can be mapped', 2, 1],
])('V1-46, V1-55: %s, and the state is the same', async (_what, mmap, areas) => {
  await using one = await v1({ mmap });
  expect(one.device.info.mmapAreas).toHaveLength(areas);
  await expectLoads(guests.cdev, one, await wholeStream(one));
});

test('V1-46: a user who does not want a mapping gets the same state', async () => {
  await using one = await v1();
  await one.device.close();
  const args = [one.own.uuid, { mmap: false, timeoutMs: 60_000 }];
  await using device = await openRemote(guests.cdev.control, { by: 'openKernel', args });
  expect(device.info.mmapAreas).toEqual([]);
  await expectLoads(guests.cdev, { ...one, device }, await wholeStream({ ...one, device }));
});

test('V1-22, V1-23, V1-50, V1-51: segments that are swapped or joined are not the state', async () => {
  await using one = await v1();
  const segments = await wholeStream(one);
  const [first = Buffer.alloc(0), second = Buffer.alloc(0), third = Buffer.alloc(0), ...rest] = segments;
  const wrong = [
    [first, third, second, ...rest],
    [first.subarray(0, 100), first.subarray(100), second, third, ...rest],
    segments.slice(0, -1),
  ];
  for (const stream of wrong) {
    await using target = await v1();
    await sail(target.device, 'RunningP2P', 'Stop', 'Resuming');
    const loading = give(target.device, stream).then(() => target.device.arc('Stop'));
    expect(await refused(loading)).toMatchObject({ name: 'GuestError' });
    expect(['Resuming', 'Error']).toContain(await target.own.read('state'));
    await target.device.reset();
    expect(await target.device.state()).toBe('Running');
  }
  await expectLoads(guests.cdev, one, segments);
});

test('V1-52: a segment that is larger than the window of the target is refused, not split', async () => {
  await using one = await v1({ segment_kib: 128 });
  await using target = await v1({ segment_kib: 16 });
  const segments = await wholeStream(one);
  await sail(target.device, 'RunningP2P', 'Stop', 'Resuming');
  expect(await refused(give(target.device, segments))).toMatchObject(withCode('TRANSSHIP_SEGMENT_TOO_LARGE'));
});

test('V1-48, V1-49: data is taken in Resuming alone', async () => {
  await using one = await v1();
  expect(await refused(one.device.beginSegment(100))).toMatchObject(withCode('TRANSSHIP_NOT_RESUMING'));
  await expectLoads(guests.cdev, one, await wholeStream(one));
});

test('V1-54: a fault of one access ends the session there', async () => {
  await using one = await v1();
  await sail(one.device, 'RunningP2P', 'Stop', 'StopCopy');
  await one.device.nextSegment();
  await one.device.readSegment(1 << 20);
  await one.own.fault('data_errno EIO 1');
  expect(await refused(collect(one.device))).toMatchObject(withCode('TRANSSHIP_ACCESS_FAILED'));
  expect(await refused(one.device.nextSegment())).toMatchObject(withCode('TRANSSHIP_SESSION_FAILED'));
  await sail(one.device, 'Stop', 'StopCopy');
  await expectLoads(guests.cdev, one, (await collect(one.device)).segments);
});
