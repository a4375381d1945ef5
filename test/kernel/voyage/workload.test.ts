/** The example workload moves from guest to guest with its device, and nothing of its byte sequence is lost. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../../support/managed-process.ts';
import { DEVICES } from '../matrix/rows.ts';
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

const DIRECTIONS = [
  ['group', 'cdev'],
  ['cdev', 'group'],
] as const;

test.each(
  DEVICES.filter(({ name }) => name !== 'v2 own').flatMap((row) =>
    DIRECTIONS.map(([from, to]) => ({ name: row.name, row, from, to })),
  ),
)(
  'with $name from the $from guest to the $to guest',
  async ({ row, from, to }) => {
    const workload = drivesDevice(program);
    await using pair = await KernelPair.start(guests[from], guests[to], { row, devices: 1, workload });
    await pair.explained(() => received(pair.source, 100));
    await pair.apply('move');
    await pair.moved('move');
    const last = await pair.source.workloadStatus();
    const count = Number(last['received']);
    const report = await pair.explained(() => received(pair.target, count + 100));
    expect(report).toMatchObject({ ...INTACT, state: 'RUNNING' });
    expect(Number(report['sent'])).toBeGreaterThan(count);
  },
  PATIENCE_MS * 3,
);
