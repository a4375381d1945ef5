import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Bench, expectSilentMonitor } from './conformance/bench.ts';
import { sail } from './conformance/client.ts';
import { granted, lastOf, outcome, refusal } from './conformance/outcome.ts';
import { FIELD, RawDevice, REGION } from './conformance/raw-device.ts';

const DEVICES = 40;
const WITHOUT_NDMA = DEVICES - 1;
const WITHOUT_RESET = DEVICES - 2;

let bench: Bench;

// Reserved bits read as a pattern, so every read-modify-write here proves that it keeps them.
beforeAll(async () => {
  const lists = ['--no-ndma', `${WITHOUT_NDMA}`, '--no-reset', `${WITHOUT_RESET}`];
  const args = ['--traffic', 'off', '--mmap', 'none', '--sticky-bits', ...lists];
  bench = await Bench.start({ devices: DEVICES, args });
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => expectSilentMonitor(bench));

test('V1-01: the migration region is found by its type, behind another region of the device', async () => {
  const device = await granted(bench.open(bench.take()));
  expect(await granted(device.state())).toBe('Running');
});

test('V1-02: fields are accessed at their own width, and half an answer is an error', async () => {
  const index = bench.take();
  const device = await bench.open(index);
  await sail(device, 'PreCopy');
  expect((await granted(device.nextSegment())).size).toBeGreaterThan(0);
  await bench.fault(index, 'short-read', { count: 1 });
  expect(await outcome(device.rawState())).toBe('TRANSSHIP_ACCESS_FAILED');
});

test('V1-03: the state may be asked for while a segment is open', async () => {
  const device = await bench.open(bench.take());
  await sail(device, 'PreCopy');
  await granted(device.nextSegment());
  expect(await granted(device.state())).toBe('PreCopy');
  expect((await granted(device.rawState())) & 0xf).toBe(0x3);
});

test('V1-04: a write that succeeded is believed: one look before it and none after', async () => {
  const index = bench.take();
  const device = await bench.open(index);
  const before = await bench.report(index);
  await sail(device, 'PreCopy');
  expect((await bench.report(index)).stateReads - before.stateReads).toBe(1);
});

test('V1-05: on no way is a value written that is never valid', async () => {
  const device = await bench.open(bench.take());
  await sail(device, 'Stop', 'Resuming');
  expect(await granted(device.state())).toBe('Resuming');
});

test('V1-06: each write changes one bit where one bit does not let DMA through', async () => {
  const device = await bench.open(bench.take());
  await sail(device, 'RunningP2P', 'PreCopyP2P', 'PreCopy', 'PreCopyP2P', 'StopCopy', 'Stop', 'RunningP2P');
  await sail(device, 'Stop', 'StopCopy', 'Stop', 'RunningP2P', 'Running', 'PreCopy', 'Running');
  expect(await granted(device.state())).toBe('Running');
});

test('V1-07: a state that somebody else set ends the session, until RESET', async () => {
  const index = bench.take();
  const device = await bench.open(index);
  await bench.fault(index, 'async-state', { to: '0x3' });
  expect(await outcome(device.arc('RunningP2P'))).toBe('TRANSSHIP_FOREIGN_STATE_CHANGE');
  expect(await outcome(device.nextSegment())).toBe('TRANSSHIP_FOREIGN_STATE_CHANGE');
  expect(await granted(device.state())).toBe('PreCopy');
  await granted(device.reset());
  await sail(device, 'PreCopy');
});

test('V1-08: after a failed state write the state is read before anything else', async () => {
  const index = bench.take();
  const device = await bench.open(index);
  await sail(device, 'PreCopy');
  await bench.fault(index, 'refuse-arc', { to: '0x1', errno: 'EBUSY', count: 1 });
  const refused = await refusal(device.arc('Running'));
  expect(refused).toMatchObject({ code: 'TRANSSHIP_ARC_REFUSED', errno: 'EBUSY', state: 'PreCopy' });
  expect((await granted(device.nextSegment())).size).toBeGreaterThan(0);
});

test('V1-09: a third state after a failed write is a violation of the driver, until RESET', async () => {
  const index = bench.take();
  const device = await bench.open(index);
  await bench.fault(index, 'wrong-state', { to: '0x3', state: '0x2', count: 1 });
  expect(await outcome(device.arc('PreCopy'))).toBe('TRANSSHIP_DRIVER_VIOLATION');
  expect(await outcome(device.arc('PreCopy'))).toBe('TRANSSHIP_DRIVER_VIOLATION');
  await granted(device.reset());
  await sail(device, 'PreCopy');
});

test('V1-10: in ERROR nothing but RESET touches the device', async () => {
  const index = bench.take();
  const device = await bench.open(index);
  await bench.fault(index, 'error-on-arc', { to: '0x3', errno: 'EIO', count: 1 });
  const refused = await refusal(device.arc('PreCopy'));
  expect(refused).toMatchObject({ code: 'TRANSSHIP_DEVICE_ERROR', errno: 'EIO', state: 'Error' });
  expect(await outcome(device.arc('Running'))).toBe('TRANSSHIP_DEVICE_ERROR');
  expect(await outcome(device.nextSegment())).toBe('TRANSSHIP_DEVICE_ERROR');
  expect(await outcome(device.pendingBytes())).toBe('TRANSSHIP_DEVICE_ERROR');
  await granted(device.reset());
  expect(await granted(device.state())).toBe('Running');
});

test('V1-11: a RESET that leaves the device elsewhere than Running has failed', async () => {
  const index = bench.take();
  const device = await bench.open(index);
  await sail(device, 'Stop');
  await bench.fault(index, 'ignore-reset', { count: 1 });
  expect(await outcome(device.reset())).toBe('TRANSSHIP_RESET_FAILED');
  await granted(device.reset());
  await sail(device, 'PreCopy');
});

test('V1-12: a device without RESET is known as one', async () => {
  const device = await bench.open(WITHOUT_RESET);
  expect(device.info.resetSupported).toBe(false);
  expect(await outcome(device.reset())).toBe('TRANSSHIP_RESET_UNSUPPORTED');
  expect((await bench.open(bench.take())).info.resetSupported).toBe(true);
});

test('V1-13: RESET is allowed in every state, with a stream open or not', async () => {
  const device = await bench.open(bench.take());
  const ways = [
    ['RunningP2P'],
    ['PreCopy'],
    ['PreCopy', 'PreCopyP2P'],
    ['Stop', 'StopCopy'],
    ['Stop'],
    ['Stop', 'Resuming'],
  ] as const;
  for (const way of ways) {
    await sail(device, ...way);
    expect(await outcome(device.reset())).toBe('done');
    expect(await granted(device.state())).toBe('Running');
  }
});

test('V1-16: configuration space and the MSI-X table stay in use while the device is stopped', async () => {
  const device = await bench.open(bench.take());
  await sail(device, 'Stop');
  expect((await granted(device.readConfig(0, 2))).readUInt16LE()).toBe(device.info.vendorId);
  await granted(device.writeConfig(4, Buffer.from([0x06, 0x04])));
  expect((await granted(device.readConfig(4, 2))).readUInt16LE()).toBe(0x0406);
  const entry = Buffer.from('00f0e0fe', 'hex');
  await granted(device.regionWrite(REGION.msixTable, 0, entry));
  expect(await granted(device.regionRead(REGION.msixTable, 0, 4))).toEqual(entry);
});

test('V1-17: SAVING and RESUMING are never written together', async () => {
  const device = await bench.open(bench.take());
  await sail(device, 'Stop', 'StopCopy', 'Stop', 'Resuming');
  expect(await granted(device.state())).toBe('Resuming');
});

test('V1-24: NDMA is known by its capability alone, and not written without it', async () => {
  const device = await bench.open(WITHOUT_NDMA);
  expect(device.info.p2p).toBe(false);
  expect(await outcome(device.arc('RunningP2P'))).toBe('TRANSSHIP_NO_P2P');
  await sail(device, 'PreCopy', 'StopCopy', 'Stop', 'Running');
  expect((await bench.open(bench.take())).info.p2p).toBe(true);
});

test('V1-28: a device whose quiesce takes long holds up no other', async () => {
  const [slow, other] = [bench.take(), bench.take()];
  const quiesced = await bench.open(slow);
  const free = await bench.open(other);
  await bench.fault(slow, 'pri');
  const { stateReads } = await bench.report(slow);
  const arc = quiesced.arc('RunningP2P');
  // It has begun: the look before the write was seen.
  const begun = await lastOf(
    () => bench.report(slow),
    (now) => now.stateReads > stateReads,
  );
  expect(begun.stateReads).toBe(stateReads + 1);
  const first = await Promise.race([
    granted(free.arc('PreCopy')).then(() => 'the other device went on'),
    arc.then(() => 'the quiesce ended'),
    delay(20_000, 'nothing moved', { ref: false }),
  ]);
  await bench.control.clear(slow);
  await granted(arc);
  expect(first).toBe('the other device went on');
});

test('V1-29: a device found stopped with NDMA set is stopped, and NDMA is not relied on', async () => {
  const index = bench.take();
  const raw = await bench.raw(index);
  expect(await raw.walk(0x9, 0x8)).toBe('done');
  const device = await bench.open(index);
  expect(await granted(device.state())).toBe('Stop');
  await sail(device, 'StopCopy');
  expect((await granted(device.rawState())) & 0xf).toBe(0x2);
});

test('V1-31: bits 31:4 of device_state are kept', async () => {
  const device = await bench.open(bench.take());
  const reserved = (await granted(device.rawState())) & ~0xf;
  expect(reserved).not.toBe(0);
  await sail(device, 'PreCopy', 'PreCopyP2P', 'StopCopy', 'Stop', 'RunningP2P', 'Running');
  expect((await granted(device.rawState())) & ~0xf).toBe(reserved);
});

test('V1-32: ERROR is told under reserved bits, and 0xE is not ERROR but a violation', async () => {
  const [first, second] = [bench.take(), bench.take()];
  const failed = await bench.open(first);
  await bench.fault(first, 'error-on-arc', { to: '0x3', count: 1 });
  expect(await outcome(failed.arc('PreCopy'))).toBe('TRANSSHIP_DEVICE_ERROR');
  expect(await granted(failed.state())).toBe('Error');
  const invalid = await bench.open(second);
  await bench.fault(second, 'wrong-state', { to: '0x3', state: '0xE', count: 1 });
  expect(await outcome(invalid.arc('PreCopy'))).toBe('TRANSSHIP_DRIVER_VIOLATION');
  expect(await outcome(invalid.state())).toBe('TRANSSHIP_DRIVER_VIOLATION');
});

test('V1-33: a device that refuses NDMA without RUNNING is stopped in one write', async () => {
  const index = bench.take();
  const device = await bench.open(index);
  await sail(device, 'RunningP2P');
  await bench.fault(index, 'refuse-arc', { to: '0x8', errno: 'EINVAL' });
  expect(await outcome(device.arc('Stop'))).toBe('done');
  expect(await granted(device.state())).toBe('Stop');
});

test('V1-34: what the reserved field reads as changes nothing', async () => {
  const index = bench.take();
  await bench.fault(index, 'lie', { reserved: '0xFFFF' });
  const device = await granted(bench.open(index));
  await sail(device, 'PreCopy');
  expect(await new RawDevice(device).get(FIELD.reserved, 4)).toBe(0xffff);
});
