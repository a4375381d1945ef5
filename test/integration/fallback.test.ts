import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { eventually } from '../support/managed-process.ts';
import { expectIdle, expectNoViolations, expectSetRuns } from '../support/set-checks.ts';
import type { TestNode } from '../support/test-node.ts';
import { flowing, type Status, TwoNodes } from '../support/two-nodes.ts';

const OTHER = 'gpu-c';
const devices = [0, 1];
/** Everything goes while the set is stopped, so what is lost there is lost for good. */
const stopCopy = { mode: 'StopCopy' } as const;
/** Of 8 MiB in all: so slow that a test can act in the middle. */
const slow = { ...stopCopy, bandwidthLimit: '1M' } as const;
const recovery = { retries: 0, fallbackNodeNames: [OTHER] };
/** A silent agent is waited for 30 s; the rest is for a machine that has much else to do. */
const PATIENCE_MS = 240_000;
const TEST_MS = 900_000;

let nodes: TwoNodes;
let other: TestNode;

beforeEach(async () => {
  nodes = await TwoNodes.start({ devices: 2, others: [OTHER] });
  other = nodes.others[0]!;
});

afterEach(() => nodes[Symbol.asyncDispose]());

const left = (status: Status): boolean => status.target?.nodeName === OTHER;
const active = ({ phase }: Status): boolean => phase === 'Releasing' || phase === 'Succeeded';

/** Where the sessions of the agent were, in order. */
async function phases({ agent }: TestNode): Promise<string[]> {
  const lines = (await agent.process.log()).split('\n').filter((line) => line.includes('"session phase"'));
  return lines.map((line) => (JSON.parse(line) as { phase: string }).phase);
}

const reached = (phase: string): Promise<true> =>
  eventually(`the target at ${phase}`, PATIENCE_MS, async () =>
    (await phases(nodes.target)).includes(phase) ? true : null,
  );

/** The set runs on the third node with the state that it was frozen with, and its workload stood still all the time. */
async function expectCarriedOver(): Promise<void> {
  await nodes.waitFor('set', 'the third node runs the set', active, PATIENCE_MS);
  expect(await nodes.digests(other, devices)).toEqual(await nodes.digests(nodes.source, devices));
  await expectSetRuns(other, { devices });
  expect(await nodes.source.control.workload()).toMatchObject({ freezes: 1, thaws: 0 });
  expect(await other.control.workload()).toMatchObject({ thaws: 1 });
  const went = await phases(nodes.source);
  expect(went.filter((phase) => phase === 'Quiescing')).toHaveLength(1);
  expect(went).not.toContain('RollingBack');
}

/** The migration has ended well, and what was left is free and has never run. */
async function expectOver(code: string): Promise<void> {
  const status = await nodes.waitFor('set', 'the end', ({ phase }) => phase === 'Succeeded', PATIENCE_MS);
  expect(status).toMatchObject({
    decision: { value: 'Commit' },
    target: { nodeName: OTHER, abandoned: [{ nodeName: 'gpu-b', code }] },
  });
  expect(status.conditions).toContainEqual(
    expect.objectContaining({ type: 'TargetReplaced', status: 'True', reason: 'FallbackNode' }),
  );
  await expectIdle(nodes.source, { devices });
  expect(await phases(nodes.target)).not.toContain('Activating');
  expect(await nodes.target.control.workload()).toMatchObject({ thaws: 0 });
  await expectNoViolations(nodes);
}

test(
  'a target whose agent is killed while it loads gives way to the next node',
  async () => {
    await nodes.apply('set', { devices, strategy: slow, recovery });
    await nodes.waitFor('set', 'data flows', flowing('StopCopy'));
    await nodes.target.agent.process.kill();
    await nodes.waitFor('set', 'the target is left', left, PATIENCE_MS);
    await expectCarriedOver();
    // It is not forgotten: the migration ends when it has come back and was reset.
    expect((await nodes.status('set'))?.completedAt).toBeUndefined();
    await nodes.target.restartAgent();
    await expectOver('AgentUnreachable');
    await expectIdle(nodes.target, { devices });
  },
  TEST_MS,
);

test(
  'a target that falls silent with its promise never runs, though it comes back at Verified',
  async () => {
    await nodes.apply('set', { devices, strategy: slow, recovery });
    await nodes.waitFor('set', 'data flows', flowing('StopCopy'));
    await nodes.target.control.fault(1, 'stall-arc', { to: 0x0, ms: 10_000, count: 1 });
    await reached('Verifying');
    // The promise is made, and nobody has heard of it.
    await nodes.operator.kill();
    await reached('Verified');
    await nodes.target.agent.process.kill();
    await nodes.restartOperator();
    await nodes.waitFor('set', 'the target is left', left, PATIENCE_MS);
    await expectCarriedOver();
    expect(await nodes.target.states()).toEqual(['Stop', 'Stop']);
    await nodes.target.restartAgent();
    await expectOver('AgentUnreachable');
    await expectIdle(nodes.target, { devices });
  },
  TEST_MS,
);

test(
  'a target with a device that cannot be reset gives way, and keeps that device in quarantine',
  async () => {
    await nodes.target.control.fault(1, 'fail-reset', { errno: 5 });
    await nodes.apply('set', { devices, strategy: stopCopy, recovery });
    await expectCarriedOver();
    await expectOver('ResetFailed');
  },
  TEST_MS,
);

test(
  'a target that stays silent gives way, and the set goes home when its object is deleted',
  async () => {
    await nodes.apply('set', { devices, strategy: slow, recovery });
    await nodes.waitFor('set', 'data flows', flowing('StopCopy'));
    nodes.target.agent.process.signal('SIGSTOP');
    await nodes.waitFor('set', 'the target is left', left, PATIENCE_MS);
    await nodes.waitFor('set', 'data flows again', (status) => status.generation > 1, PATIENCE_MS);
    await nodes.delete('set');
    await expectSetHome();
    expect((await nodes.status('set'))?.decision.value).toBe('Abort');
    nodes.target.agent.process.signal('SIGCONT');
    expect(await nodes.ended('set', PATIENCE_MS)).toMatchObject({ phase: 'Aborted' });
    await expectIdle(nodes.target, { devices });
    await expectIdle(other, { devices });
    await expectNoViolations(nodes);
  },
  TEST_MS,
);

/** It runs at the source again before anybody hears of the node that is silent. */
async function expectSetHome(): Promise<void> {
  await eventually('the source runs', PATIENCE_MS, async () => {
    const { phase, frozen } = await nodes.source.control.workload();
    return phase === 'Live' && !frozen ? true : null;
  });
  await expectSetRuns(nodes.source, { devices });
}
