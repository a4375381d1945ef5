/** Runs random schedules: nothing is held, the faults strike when the migration has come to their step. */
import { setTimeout as delay } from 'node:timers/promises';
import { allowedAfter } from './allowed-after.ts';
import { conclude, INJECTIONS } from './cell.ts';
import { onCluster } from './cluster/gather-facts.ts';
import type { Evidence } from './evidence.ts';
import { digestsOf, type Descriptors } from './gather.ts';
import type { Scene } from './injection.ts';
import { judgeEnd } from './judge.ts';
import { BothRan } from './rig/both-ran.ts';
import type { FaultNode } from './rig/fault-node.ts';
import type { FaultRig } from './rig/fault-rig.ts';
import { Watch } from './rig/watch.ts';
import type { Bench } from './run-cells.ts';
import { isArmed, type Schedule, type ScheduledFault } from './schedule.ts';

export interface ScheduleResult {
  readonly schedule: Schedule;
  readonly complaints: readonly string[];
  readonly evidence: Evidence | null;
  readonly seconds: number;
  readonly logs: string | null;
}

/** So that the steps last long enough to be met, bytes a second; until the first fault has struck. */
const RATE = 400_000;
/** A migration that cannot end while its faults last has them lifted after this, ms. */
const STRIKE_LIMIT_MS = 30_000;

export async function trySchedule(bench: Bench, schedule: Schedule): Promise<ScheduleResult> {
  const began = performance.now();
  const { seed, ground } = schedule;
  const jumps = schedule.faults.some(({ fault }) => fault === 'clock-jumped');
  const { rig, idle, name } = await bench.rig(jumps ? 'clock' : ground);
  const outcome = await onCluster(rig, () => run(rig, name, schedule, idle)).then(
    (evidence) => ({
      evidence,
      complaints: judgeEnd(allowedAfter(schedule.faults), evidence),
    }),
    (error: unknown) => ({ evidence: null, complaints: [(error as Error).message] }),
  );
  const hasPassed = outcome.complaints.length === 0;
  const label = hasPassed ? null : `seed-${ground}-${seed}`;
  const finished = await bench.finish(label, outcome.complaints, hasPassed ? outcome.evidence : null);
  return { schedule, ...outcome, ...finished, seconds: (performance.now() - began) / 1000 };
}

async function run(
  rig: FaultRig,
  name: string,
  { mode, faults }: Schedule,
  idle: readonly Descriptors[],
): Promise<Evidence> {
  for (const one of faults.filter(isArmed)) await INJECTIONS[one.fault].arm?.(rig, one.step);
  rig.source.transfer.slow(RATE);
  await using both = new BothRan(rig);
  await rig.apply(name, { mode, quiesceTimeout: '5m', preCopyTimeout: '5m' });
  await using watch = await Watch.of(rig, name);
  const struck = faults.map((one) => strikeInTurn({ rig, watch, step: one.step }, one));
  const stopped = (await Promise.all(struck)).find((digests) => digests !== null) ?? null;
  rig.source.transfer.free();
  const proof = { step: null, evidence: faults.map(({ fault }) => fault).join(' ') };
  return await conclude({ rig, watch }, both, { proof, keptMs: 0, stopped }, idle);
}

/**
 * Waits for the step, or for a later one, or for the end; strikes, and lifts the fault when its time is over. Returns the
 * digests of a source that had stopped when its server died, which takes them along.
 */
async function strikeInTurn(scene: Scene, one: ScheduledFault): Promise<readonly string[] | null> {
  const { rig, watch, step } = scene;
  let stopped: readonly string[] | null = null;
  const injection = INJECTIONS[one.fault];
  const since = performance.now();
  const isDue = async (): Promise<boolean> => {
    const [position, now] = [await watch.position(), await watch.step()];
    return position.ended || now === null || now >= step || performance.now() - since > STRIKE_LIMIT_MS;
  };
  while (!(await isDue())) await delay(5);
  await delay(one.afterMs);
  if (isArmed(one)) {
    await injection.armLater?.(scene).catch(ignoreAway);
  } else {
    const now = await watch.step();
    // Null: it has ended meanwhile, and the server still knows what its devices had.
    if (one.fault === 'source-died' && (now === null || now >= 7 || (await hasStopped(rig.source))))
      stopped = await digestsOf(rig.source);
    await injection.strike(scene).catch(ignoreAway);
  }
  await delay(one.forMs);
  // The time that it waits for is a proof, which an operator with nothing left to do does not give.
  if (one.fault !== 'clock-jumped') await injection.lift(scene);
  return stopped;
}

/** Whether every device stands still with its state: what is seen of the step may be older than that. */
const hasStopped = async ({ control }: FaultNode): Promise<boolean> =>
  (await control.devices()).every(({ state }) => state === 'StopCopy');

/** A fault misses when what it needs is away at that moment because of another one. @throws anything else */
function ignoreAway(error: unknown): void {
  if (!/ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|UNAVAILABLE|socket hang up/u.test((error as Error).message))
    throw error;
}
