import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { EmulatedLink } from '../support/emulator-control.ts';
import { Bench, expectSilentMonitor } from './conformance/bench.ts';
import { lastOf } from './conformance/outcome.ts';
import { REGION } from './conformance/raw-device.ts';

let bench: Bench;

// Pairs of devices, each a set of its own with its own workload.
beforeAll(async () => {
  bench = await Bench.start({
    devices: 6,
    args: ['--group', '2', '--link-rate', '1000', '--link-latency', '20ms'],
  });
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => expectSilentMonitor(bench));

/** The link from one slot to the other of the pair whose first device is `index`. */
async function link(index: number, from: number): Promise<EmulatedLink> {
  const { set } = await bench.report(index);
  const found = (await bench.control.links()).find((one) => one.set === set && one.from === from);
  expect(found).toBeDefined();
  return found!;
}

test('D-10: a stopped device does nothing by itself, and DMA into it is lost and counted', async () => {
  const index = bench.take(2);
  const raw = await bench.raw(index);
  await bench.control.ask('freeze', { group: index / 2 });
  expect(await raw.walk(0x9, 0x8, 0x0)).toBe('done'); // its peer goes on
  const before = { ...(await bench.control.digest(index)), ...(await bench.report(index)) };
  const sent = (await link(index, 0)).sent;
  const { lost, received } = await link(index, 1);
  const incoming = await lastOf(
    () => link(index, 1),
    (now) => now.lost >= lost + 10,
  );
  expect(incoming.lost).toBeGreaterThanOrEqual(lost + 10);
  expect(incoming.received).toBe(received);
  expect((await link(index, 0)).sent).toBe(sent);
  const after = { ...(await bench.control.digest(index)), ...(await bench.report(index)) };
  expect(after).toEqual(before);
  expect(await bench.items()).toEqual(['V1-26']);
});

test('D-16: NDMA is set when all the device had outstanding is done, and nothing follows', async () => {
  const index = bench.take(2);
  const raw = await bench.raw(index);
  const busy = await lastOf(
    () => bench.report(index),
    ({ inFlight }) => inFlight > 5,
  );
  expect(busy.inFlight).toBeGreaterThan(5);
  expect(await raw.set(0x9)).toBe('done');
  const quiesced = await bench.report(index);
  const { sent, lost } = await link(index, 0);
  expect(quiesced.inFlight).toBe(0);
  // The workload goes on posting work, and nothing comes of it.
  const later = await lastOf(
    () => bench.report(index),
    ({ submitted }) => submitted >= quiesced.submitted + 5,
  );
  expect(later.submitted).toBeGreaterThan(quiesced.submitted);
  expect([later.completed, later.interrupts]).toEqual([quiesced.completed, quiesced.interrupts]);
  expect((await link(index, 0)).sent).toBe(sent);
  expect(lost).toBe(0);
});

test('D-17: a device with NDMA set answers MMIO and takes DMA of its peers', async () => {
  const index = bench.take(2);
  const raw = await bench.raw(index);
  expect(await raw.set(0x9)).toBe('done');
  const { received } = await link(index, 1);
  const incoming = await lastOf(
    () => link(index, 1),
    (now) => now.received > received + 10,
  );
  expect(incoming.received).toBeGreaterThan(received + 10);
  expect(incoming.lost).toBe(0);
  const scratch = Buffer.from('0123456789abcdef', 'hex');
  expect(await raw.store(REGION.bar0, 0x18, scratch)).toBe('done');
  expect(await raw.bytes(REGION.bar0, 0x18, 8)).toEqual(scratch);
});
