/** The example workload moves from guest to guest with its device, and nothing of its byte sequence is lost. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../../support/managed-process.ts';
import { deviceRow } from '../matrix/rows.ts';
import { connectGuests } from '../rig/guests.ts';
import type { Guests } from '../rig/guests.ts';
import type { KernelNode } from './node.ts';
import { KernelPair } from './pair.ts';
import { drivesDevice, exampleWorkload } from './workloads.ts';

const PATIENCE_MS = 300_000;

let guests: Guests;
let program: string;

beforeAll(async () => {
  guests = await connectGuests();
  program = await exampleWorkload();
}, 60 * 60_000);

afterEach(async () => {
  for (const guest of guests.all) expect(await guest.complaints()).toEqual([]);
});

afterAll(async () => {
  await guests[Symbol.asyncDispose]();
});

/** Waits until the workload has received more than `count` bytes; its report then. */
const received = (node: KernelNode, count: number): Promise<Readonly<Record<string, unknown>>> =>
  eventually(`bytes at ${node.name}`, PATIENCE_MS, async () => {
    const status = await node.workloadStatus().catch(() => ({}) as Record<string, unknown>);
    return Number(status['received'] ?? 0) > count ? status : null;
  });

const INTACT = { gaps: 0, doubles: 0, resetAway: 0, wrongBytes: 0, trouble: '' };

interface Row {
  readonly device: string;
  readonly from: 'group' | 'cdev';
  readonly to: 'group' | 'cdev';
  /** The device writes into the workload's memory all the while; mtty has no DMA. */
  readonly dma: boolean;
}

const ROWS: readonly Row[] = [
  { device: 'v2 mtty', from: 'group', to: 'cdev', dma: false },
  { device: 'v2 mtty', from: 'cdev', to: 'group', dma: false },
  { device: 'v1+NDMA own', from: 'group', to: 'cdev', dma: true },
  // Only the rebuilt modules can log what a device writes.
  { device: 'v2 own', from: 'cdev', to: 'group', dma: true },
];

test.each(ROWS)(
  'V1-15, V2-23, V2-34: with $device from the $from guest to the $to guest',
  async ({ device, from, to, dma }) => {
    const workload = drivesDevice(program, dma ? ['--live-pass', '--dma-interval', '2000'] : []);
    const row = deviceRow(device);
    await using pair = await KernelPair.start(guests[from], guests[to], { row, devices: 1, workload });
    await pair.explained(() => received(pair.source, 100));
    await pair.apply('move');
    await pair.moved('move');
    const count = Number((await pair.source.workloadStatus())['received']);
    await pair.explained(async () => {
      const report = await received(pair.target, count + 100);
      expect(report).toMatchObject({ ...INTACT, state: 'RUNNING' });
      expect(Number(report['sent'])).toBeGreaterThan(count);
      if (!dma) return;
      expect(Number(report['deviceWrites'])).toBeGreaterThan(0);
      expect(report['wrongPages']).toBe(0);
      // Nobody touched the device after it was quiet: the workload was frozen before.
      expect(await pair.source.own(0).counters()).toMatchObject({
        stopped_accesses: 0,
        quiesced_accesses: 0,
      });
    });
  },
  PATIENCE_MS * 3,
);
