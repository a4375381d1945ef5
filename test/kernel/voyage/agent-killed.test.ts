/**
 * Agents are killed at every step of a migration and started again: no device that holds the workload's state is reset,
 * and the migration ends as its record says. The set goes to and fro between the guests, one migration a row.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { isTerminal } from '@transship/crds';
import type { DeviceMigrationManifest, DeviceMigrationStatus } from '@transship/crds';
import { eventually } from '../../support/managed-process.ts';
import { deviceRow } from '../matrix/rows.ts';
import { connectGuests } from '../rig/guests.ts';
import type { Guests } from '../rig/guests.ts';
import type { OwnDevice } from '../rig/own-device.ts';
import type { KernelNode } from './node.ts';
import { KernelPair } from './pair.ts';
import { expectIdle, expectTraffic, startTraffic } from './traffic.ts';
import { countsBeside } from './workloads.ts';

const PATIENCE_MS = 900_000;
/** Pre-copy is over once no more than 256 KiB are left: it takes seconds to come there at the rate of SLOW. */
const BUSY = { state_kib: 320, link_us: 5000, traffic_us: 10_000 };
/** Bytes per second over the whole set: so few that an agent dies in the middle. */
const SLOW = { bandwidthLimit: '64Ki' } as const;
/** Nobody waits so long: the stall ends when the agent is dead. */
const STALL_MS = 100_000;
/** A killed agent that is in the kernel ends when the stall does; it has got the signal by then. */
const DYING_MS = 500;

type Side = 'source' | 'target';

interface Row {
  readonly step: string;
  /** Whose agents are killed. */
  readonly killed: readonly Side[];
  readonly strategy: DeviceMigrationManifest['spec']['strategy'];
  /**
   * A device that takes so long to enter a state that the step can be met. `armed`: not before, since it enters the
   * state on another way as well.
   */
  readonly stall?: {
    readonly side: Side;
    readonly state: string;
    readonly armed?: (status: DeviceMigrationStatus) => boolean;
  };
  /** The step is there. */
  readonly at: (status: DeviceMigrationStatus) => boolean;
  readonly ends: 'Succeeded' | 'Failed';
}

const phase =
  (wanted: DeviceMigrationStatus['phase']) =>
  (status: DeviceMigrationStatus): boolean =>
    status.phase === wanted;
const flowing =
  (wanted: DeviceMigrationStatus['phase']) =>
  (status: DeviceMigrationStatus): boolean =>
    status.phase === wanted && (status.transfer?.bytes ?? 0) > 0;

const stopCopy = { ...SLOW, mode: 'StopCopy' } as const;

/** In the order of a voyage. A source that dies before it was told to stop rolls back, as its journal says. */
const ROWS: readonly Row[] = [
  {
    step: 'the target enters Resuming',
    killed: ['target'],
    strategy: {},
    stall: { side: 'target', state: 'Resuming' },
    at: phase('Preparing'),
    ends: 'Succeeded',
  },
  { step: 'pre-copy', killed: ['source'], strategy: SLOW, at: flowing('PreCopy'), ends: 'Failed' },
  { step: 'pre-copy', killed: ['target'], strategy: SLOW, at: flowing('PreCopy'), ends: 'Succeeded' },
  {
    step: 'the quiesce',
    killed: ['source'],
    strategy: { mode: 'StopCopy' },
    stall: { side: 'source', state: 'RunningP2P' },
    at: phase('Quiescing'),
    ends: 'Failed',
  },
  {
    step: 'stop-and-copy',
    killed: ['source'],
    strategy: stopCopy,
    at: flowing('StopCopy'),
    ends: 'Succeeded',
  },
  {
    step: 'stop-and-copy',
    killed: ['target'],
    strategy: stopCopy,
    at: flowing('StopCopy'),
    ends: 'Succeeded',
  },
  {
    step: 'stop-and-copy',
    killed: ['source', 'target'],
    strategy: stopCopy,
    at: flowing('StopCopy'),
    ends: 'Succeeded',
  },
  {
    step: 'the verification',
    killed: ['target'],
    strategy: stopCopy,
    stall: { side: 'target', state: 'Stop', armed: flowing('StopCopy') },
    at: phase('Verifying'),
    ends: 'Succeeded',
  },
  {
    step: 'the activation',
    killed: ['target'],
    strategy: stopCopy,
    stall: { side: 'target', state: 'RunningP2P', armed: flowing('StopCopy') },
    at: phase('Activating'),
    ends: 'Succeeded',
  },
  {
    step: 'the activation',
    killed: ['source'],
    strategy: stopCopy,
    stall: { side: 'target', state: 'RunningP2P', armed: flowing('StopCopy') },
    at: phase('Activating'),
    ends: 'Succeeded',
  },
];

let guests: Guests;
let pair: KernelPair | null = null;
let home: Side = 'source';

beforeAll(async () => {
  guests = await connectGuests();
});

afterEach(async () => {
  for (const guest of guests.all) expect(await guest.complaints()).toEqual([]);
});

afterAll(async () => {
  await pair?.[Symbol.asyncDispose]();
  await guests[Symbol.asyncDispose]();
});

/** A set at work and an idle node; built anew after a row that failed. */
async function ready(): Promise<{
  readonly from: KernelNode;
  readonly to: KernelNode;
  readonly pair: KernelPair;
}> {
  if (pair === null) {
    const options = {
      row: deviceRow('v1+NDMA own'),
      devices: 2,
      workload: countsBeside,
      source: BUSY,
      target: BUSY,
    };
    pair = await KernelPair.start(guests.group, guests.cdev, options);
    home = 'source';
    await startTraffic(pair.source);
  }
  const [from, to] = home === 'source' ? [pair.source, pair.target] : [pair.target, pair.source];
  return { from, to, pair };
}

/** Kills agents, all at once, lets the device `stalled` go on, and starts them again. */
async function bounce(nodes: readonly KernelNode[], stalled: OwnDevice | null): Promise<void> {
  const killed = nodes.map((node) => node.killAgent());
  await delay(DYING_MS);
  await stalled?.fault('none');
  await Promise.all(killed);
  await Promise.all(nodes.map((node) => node.startAgent()));
}

const resetsOf = (node: KernelNode): Promise<number[]> =>
  Promise.all(node.uuids.map(async (_, index) => (await node.own(index).counters())['resets'] ?? 0));

async function play(row: Row, name: string): Promise<DeviceMigrationStatus> {
  const { from, to, pair: both } = await ready();
  const nodes = { source: from, target: to };
  const before = await resetsOf(from);
  const { stall } = row;
  const arm = async (): Promise<void> => {
    if (stall !== undefined) await nodes[stall.side].own(1).fault(`stall_ms ${stall.state} ${STALL_MS} 1`);
  };
  if (stall?.armed === undefined) await arm();
  await both.apply(name, row.strategy, { from, to });
  if (stall?.armed !== undefined) {
    const { armed } = stall;
    await both.explained(() => both.manifests.until(name, `the step before ${row.step}`, armed));
    await arm();
  }
  await both.explained(() => both.manifests.until(name, row.step, row.at));
  if (stall !== undefined) {
    await both.explained(() =>
      eventually(`a device enters ${stall.state}`, PATIENCE_MS, async () => {
        // Taken once its arc has begun.
        if (!(await nodes[stall.side].own(1).read('fault')).includes('stall_ms')) return true;
        const status = await both.manifests.status(name);
        if (status !== null && isTerminal(status.phase))
          throw new Error(`it has ended before: ${JSON.stringify(status, null, 1)}`);
        return null;
      }),
    );
  }
  const stalled = stall === undefined ? null : nodes[stall.side].own(1);
  await bounce(
    row.killed.map((side) => nodes[side]),
    stalled,
  );
  const status = await both.ended(name);
  const isMoved = row.ends === 'Succeeded';
  await both.explained(async () => {
    const { phase: found, error } = status;
    expect({ phase: found, error }).toMatchObject({ phase: row.ends });
    // A device that was reset has forgotten its links.
    await expectTraffic(isMoved ? to : from);
    await expectIdle(isMoved ? from : to);
    // Those of the source once, to be handed out again, when the set had moved; else never.
    expect(await resetsOf(from)).toEqual(before.map((count) => count + (isMoved ? 1 : 0)));
  });
  if (isMoved) home = home === 'source' ? 'target' : 'source';
  return status;
}

test.each(ROWS.map((row, index) => ({ ...row, row, index, who: row.killed.join(' and ') })))(
  'V2-30: during $step the agent of the $who is killed: $ends',
  async ({ row, index }) => {
    try {
      const { phase: found } = await play(row, `voyage-${index}`);
      expect(found).toBe(row.ends);
    } catch (error) {
      await pair?.[Symbol.asyncDispose]();
      pair = null;
      throw error;
    }
  },
  PATIENCE_MS,
);
