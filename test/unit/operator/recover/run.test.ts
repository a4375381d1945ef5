import { describe, expect, test } from '@jest/globals';
import { Loop } from '../reconcile/loop.ts';
import { PROOF } from './fixture.ts';
import { Killed, Stage } from './stage.ts';

const SOURCE = { kind: 'source', proof: PROOF } as const;
const DISCARD = { kind: 'discard' } as const;

/** Activation was ordered, one device of the target does not come back, and its node is silent. */
async function targetLost(): Promise<Stage> {
  const loop = new Loop();
  const { target, store } = loop;
  const record = store.recordDecision.bind(store);
  store.recordDecision = async (...args) => {
    if (args[2] === 'Commit') target.stuck = [0, 1];
    return record(...args);
  };
  for (let turn = 0; turn < 40 && target.node.agent?.session.phase !== 'Activating'; turn += 1)
    await loop.run(1);
  expect(target.node.phase).toBe('Activating');
  target.silent = true;
  await loop.run(2);
  expect(store.stored?.status).toMatchObject({ decision: { value: 'Commit' } });
  expect(store.stored?.status.completedAt).toBeUndefined();
  return new Stage(loop);
}

/** Commit is recorded, and the node of the target falls silent before it hears of that. */
async function silentAtVerified(): Promise<Stage> {
  const loop = new Loop();
  const { target, store } = loop;
  const record = store.recordDecision.bind(store);
  store.recordDecision = async (...args) => {
    if (args[2] === 'Commit') target.silent = true;
    return record(...args);
  };
  for (let turn = 0; turn < 40 && !target.silent; turn += 1) await loop.run(1);
  await loop.run(2);
  expect(target.node.phase).toBe('Verified');
  expect(store.stored?.status).toMatchObject({ decision: { value: 'Commit' } });
  return new Stage(loop);
}

function expectBackAtSource({ loop }: Stage): void {
  expect(loop.source.node.phase).toBe('RolledBack');
  expect(loop.source.node.workload).toBe('running');
  const status = loop.store.stored?.status;
  expect(status).toMatchObject({
    phase: 'Failed',
    decision: { value: 'Revert', reason: expect.stringContaining(PROOF) },
    error: { code: 'TargetLost' },
  });
  expect(status?.completedAt).toBeDefined();
  expect(status?.conditions).toContainEqual(
    expect.objectContaining({ type: 'Recovered', status: 'True', reason: 'BackAtSource' }),
  );
  expect(status?.conditions.map(({ type }) => type)).not.toContain('Reconciling');
}

function expectGivenUp({ loop }: Stage): void {
  expect(loop.source.node.phase).toBe('Released');
  expect(loop.source.node.devices.some(({ holds }) => holds)).toBe(false);
  expect(loop.store.stored?.status).toMatchObject({ phase: 'Failed', decision: { value: 'Commit' } });
}

/** Kills a run at its n-th moment and lets another one end it. False: a run has fewer moments. */
async function killedAt(
  moment: number,
  request: typeof SOURCE | typeof DISCARD,
  expectEnded: (stage: Stage) => void,
): Promise<boolean> {
  const stage = await targetLost();
  let left = moment;
  stage.hook = () => {
    if (left === 0) throw new Killed();
    left -= 1;
  };
  const first = await stage.run(request).catch((error: unknown) => error);
  if (!(first instanceof Killed)) return false;
  stage.hook = () => undefined;
  // Nothing is left when it was killed behind its last write.
  expect(['done', 'nothing']).toContain((await stage.run(request)).kind);
  expectEnded(stage);
  return true;
}

describe('a run', () => {
  test('without --yes says what it would do and does nothing', async () => {
    const stage = await targetLost();
    const { writes } = stage.loop.store;
    const before = [writes.length, stage.loop.source.heard.length];
    expect(await stage.run(SOURCE, false)).toEqual({ kind: 'wouldAct' });
    expect(stage.told).toEqual(['steps']);
    expect([writes.length, stage.loop.source.heard.length]).toEqual(before);
  });

  test('does each step once, and the next run finds nothing to do', async () => {
    const stage = await targetLost();
    expect(await stage.run(SOURCE)).toEqual({ kind: 'done' });
    expect(stage.told.filter((line) => line.startsWith('did'))).toEqual([
      'did takeUp',
      'did attach',
      'did recordRevert',
      'did rollBackSource',
      'did markRecovered',
    ]);
    expectBackAtSource(stage);
    const { length } = stage.loop.store.writes;
    expect(await stage.run(SOURCE)).toEqual({ kind: 'nothing' });
    expect(stage.loop.store.writes).toHaveLength(length);
  });

  const ends = [
    [SOURCE, expectBackAtSource],
    [DISCARD, expectGivenUp],
  ] as const;
  test.each(ends)('that is killed anywhere is ended by the next (%j)', async (request, expectEnded) => {
    let moments = 0;
    for (; await killedAt(moments, request, expectEnded); moments += 1);
    // Four steps or more, of which each has a moment before it and one behind it.
    expect(moments).toBeGreaterThanOrEqual(8);
  });

  test('is not worked against by an operator that looks at every moment', async () => {
    const stage = await targetLost();
    stage.hook = async () => {
      await stage.loop.reconcile();
    };
    expect(await stage.run(SOURCE)).toEqual({ kind: 'done' });
    stage.hook = () => undefined;
    await stage.loop.run(4);
    expectBackAtSource(stage);
    expect(stage.loop.store.stored?.finalizerPresent).toBe(false);
  });

  test('that loses the fence to an operator once takes it again', async () => {
    const stage = await targetLost();
    let once = true;
    stage.hook = async (moment) => {
      if (moment !== 'before raiseFence' || !once) return;
      once = false;
      const { stored } = stage.loop.store;
      if (stored !== null) await stage.loop.store.raiseFence(stored, 'operator-2');
    };
    expect(await stage.run(SOURCE)).toEqual({ kind: 'done' });
    expect(stage.told.filter((line) => line === 'began takeUp')).toHaveLength(2);
    expectBackAtSource(stage);
  });

  test.each(['fence', 'Revert', 'status'])(
    'reads back a write without an answer (%s), whether it was applied or not',
    async (write) => {
      for (const applied of [true, false]) {
        const stage = await targetLost();
        stage.loop.store.upset = { write, applied };
        expect(await stage.run(SOURCE)).toEqual({ kind: 'done' });
        expect(stage.loop.store.upset).toBeNull();
        expectBackAtSource(stage);
      }
    },
  );

  test('stops when the target answers after all and may run', async () => {
    const stage = await targetLost();
    stage.hook = (moment) => {
      if (moment === 'after raiseFence') stage.loop.target.silent = false;
    };
    expect(await stage.run(SOURCE)).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('the set may run on gpu-b'),
    });
    expect(stage.loop.source.node.phase).toBe('Stopped');
    expect(stage.loop.store.stored?.status.decision.value).toBe('Commit');
  });

  test('gives a target up that comes back meanwhile and was never started', async () => {
    const stage = await silentAtVerified();
    stage.hook = (moment) => {
      if (moment === 'after raiseFence') stage.loop.target.silent = false;
    };
    expect(await stage.run(SOURCE)).toEqual({ kind: 'done' });
    const did = stage.told.filter((line) => line.startsWith('did'));
    expect(did.indexOf('did discardTarget')).toBeGreaterThan(did.indexOf('did recordRevert'));
    expect(did.indexOf('did discardTarget')).toBeLessThan(did.indexOf('did rollBackSource'));
    expect(stage.loop.target.node.phase).toBe('Discarded');
    expectBackAtSource(stage);
  });

  test.each(ends)('once more frees a target that comes back later (%j)', async (request, expectEnded) => {
    const stage = await silentAtVerified();
    expect(await stage.run(request)).toEqual({ kind: 'done' });
    stage.loop.target.silent = false;
    expect(await stage.run(request)).toEqual({ kind: 'done' });
    expect(stage.loop.target.node.phase).toBe('Discarded');
    const { decision } = stage.loop.store.stored?.status ?? {};
    expect(decision?.value).toBe('Revert');
    if (request === SOURCE) expectEnded(stage);
    expect(await stage.run(request)).toEqual({ kind: 'nothing' });
  });

  test('says which step failed and why', async () => {
    const stage = await targetLost();
    stage.hook = (moment) => {
      if (moment === 'before rollBack') stage.loop.source.silent = true;
    };
    expect(await stage.run(SOURCE)).toEqual({
      kind: 'failed',
      code: 'AgentUnreachable',
      reason: 'AgentUnreachable: no answer',
    });
    expect(stage.told.at(-1)).toBe('began rollBackSource');
  });

  test('is refused when there is no such migration', async () => {
    const stage = await targetLost();
    stage.loop.store.stored = null;
    expect(await stage.run(SOURCE)).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('--orphan'),
    });
  });
});
