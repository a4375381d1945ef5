/**
 * SIGKILL of a broker in every step of a voyage. What its agent has open survives it, and the next broker is handed it
 * back; what nobody has open is reset by the kernel, and the migration says so.
 */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { isTerminal } from '@transship/crds';
import type { DeviceMigrationStatus } from '@transship/crds';
import { STEP_NAMES } from '../../faults/steps.ts';
import type { Step } from '../../faults/steps.ts';
import { deviceRow } from '../matrix/rows.ts';
import { connectGuests } from '../rig/guests.ts';
import type { Guests } from '../rig/guests.ts';
import { allowedEnds, ALL_CELLS, CELLS_VARIABLE, sampled } from './broker-cells.ts';
import type { BrokerCell } from './broker-cells.ts';
import { BothRun } from './both-run.ts';
import { endingOf, expectPlaced } from './ending.ts';
import type { KernelNode } from './node.ts';
import { KernelPair } from './pair.ts';
import { HOLDS } from './step-holds.ts';
import { StepWatch } from './step-watch.ts';
import type { Sides } from './step-watch.ts';
import { startTraffic } from './traffic.ts';
import { countsBeside } from './workloads.ts';

const PATIENCE_MS = 1_800_000;
const BUSY = { state_kib: 64, link_us: 5000, traffic_us: 10_000 };

const seed = process.env[CELLS_VARIABLE] ?? String(Date.now() % 100_000);
const cells = seed === 'all' ? ALL_CELLS : sampled(Number(seed));
process.stderr.write(`broker cells: once more with ${CELLS_VARIABLE}=${seed}\n`);

let guests: Guests;
let pair: KernelPair | null = null;
let home: 'source' | 'target' = 'source';

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

/** A set at work and an idle node; built anew after a cell that left something else. */
async function ready(): Promise<{ readonly pair: KernelPair; readonly sides: Sides }> {
  if (pair === null) {
    const row = deviceRow('v1+NDMA own');
    pair = await KernelPair.start(guests.group, guests.cdev, {
      row,
      devices: 2,
      workload: countsBeside,
      source: BUSY,
      target: BUSY,
    });
    home = 'source';
    await startTraffic(pair.source);
  }
  const { source, target } = pair;
  return {
    pair,
    sides: home === 'source' ? { source, target } : { source: target, target: source },
  };
}

async function rebuilt(): Promise<void> {
  await pair?.[Symbol.asyncDispose]();
  pair = null;
}

type Counts = Readonly<Record<'opens' | 'resets', number>>;

const countsOf = (node: KernelNode): Promise<Counts[]> =>
  Promise.all(
    node.uuids.map(async (_, index) => {
      const counters = await node.own(index).counters();
      return { opens: counters['opens'] ?? 0, resets: counters['resets'] ?? 0 };
    }),
  );

const incarnationsOf = async ({ broker }: KernelNode): Promise<string[]> =>
  (await broker.info()).map(({ instance, opens }) => `${instance}/${opens}`);

/** How the broker ended, and its agent with it where that is killed too. */
async function strike(
  node: KernelNode,
  { keeping }: BrokerCell,
  release: () => Promise<void>,
): Promise<void> {
  const { control } = node.guest;
  const { pid } = node.broker;
  const agent = keeping === 'alone' ? node.agent.pid : null;
  await control.call('kill', { pid, signal: 'SIGKILL' });
  if (agent !== null) {
    await control.call('kill', { pid: agent, signal: 'SIGKILL' });
    // A device that stands still lets nobody who is in it end.
    await release();
    await node.killAgent();
  }
  const ended = await control.call('wait', { pid, timeoutMs: PATIENCE_MS }, PATIENCE_MS);
  expect(ended).toEqual({ code: null, signal: 'SIGKILL' });
}

/** Plays one cell. */
async function expectCell(cell: BrokerCell, name: string): Promise<void> {
  const { step, side, keeping } = cell;
  const { pair: both, sides } = await ready();
  const stage = { pair: both, sides };
  const node = sides[side];
  const hold = HOLDS[step];
  const before = { from: await countsOf(sides.source), to: await countsOf(sides.target) };
  const incarnations = await incarnationsOf(node);
  await hold.arm(stage);
  await using bothRun = new BothRun(sides);
  await both.apply(name, hold.strategy, { from: sides.source, to: sides.target });
  await using watch = await StepWatch.of(both, name, sides);
  const heldSince = Date.now();
  await hold.reach(stage, watch);
  const { pid } = node.broker;
  expect(await watch.step()).toBe(step);
  await strike(node, cell, () => hold.release(stage));
  if (keeping === 'kept') await expectIn(watch, step);
  await node.startBrokerAgain();
  expect(node.broker.pid).not.toBe(pid);
  // Given back by the agent as the openings that they were, or all opened anew.
  const anew = (await incarnationsOf(node)).filter((one) => !incarnations.includes(one));
  expect(anew).toHaveLength(keeping === 'kept' ? 0 : incarnations.length);
  if (keeping === 'kept') {
    await expectIn(watch, step);
    await hold.release(stage);
  } else {
    await node.startAgent();
  }
  const keptMs = Date.now() - heldSince;
  const status = await settled(both, name);
  const ending = endingOf(status, allowedEnds(cell, keptMs));
  await expectPlaced(ending, sides);
  expect(bothRun.found).toEqual([]);
  if (keeping === 'kept' && ending === 'moved') {
    await expectOneReset(sides.source, before.from);
    await expectOneReset(sides.target, before.to);
    await expectSameContents(sides);
    home = home === 'source' ? 'target' : 'source';
  } else {
    await rebuilt();
  }
}

async function expectIn(watch: StepWatch, step: Step): Promise<void> {
  expect(await watch.step()).toBe(step);
}

/** Each device of the target to begin with, each of the source to end with, and nobody has opened one anew. */
async function expectOneReset(node: KernelNode, before: readonly Counts[]): Promise<void> {
  const onceMore = before.map(({ opens, resets }) => ({ opens, resets: resets + 1 }));
  expect(await countsOf(node)).toEqual(onceMore);
}

/** The target took exactly what the source had when it stopped. */
async function expectSameContents({ source, target }: Sides): Promise<void> {
  const digests = (node: KernelNode): Promise<string[]> =>
    Promise.all(node.uuids.map((_, index) => node.own(index).read('kept_digest')));
  expect(await digests(target)).toEqual(await digests(source));
}

/** It has ended, or says that only a person can help. */
async function settled(both: KernelPair, name: string): Promise<DeviceMigrationStatus> {
  const isStalled = ({ conditions }: DeviceMigrationStatus): boolean =>
    conditions.some(({ type, status }) => type === 'Stalled' && status === 'True');
  return both.manifests.until(name, 'its end', (status) => isTerminal(status.phase) || isStalled(status));
}

test.each(
  cells.map((cell, index) => ({
    ...cell,
    cell,
    index,
    name: STEP_NAMES[cell.step],
    and: cell.keeping === 'kept' ? '' : ' and of its agent',
  })),
)(
  'in step $step ($name) SIGKILL of the broker of the $side$and',
  async ({ cell, index }) => {
    try {
      const { pair: both } = await ready();
      await both.explained(() => expectCell(cell, `broker-${index}`));
    } catch (error) {
      await rebuilt();
      throw error;
    }
  },
  PATIENCE_MS,
);
