import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { runRecover } from '../support/recover-program.ts';
import { allAt, halfActivated, recordCommit, stoppedWithoutOperator } from '../support/recover-scenes.ts';
import { expectIdle, expectSetRuns } from '../support/set-checks.ts';
import { type Status, TwoNodes } from '../support/two-nodes.ts';

const devices = [0, 1];
const PROOF = 'gpu-a burnt down, seen on site';
const DEAD = ['default/set', '--source-is-dead', PROOF];
let nodes: TwoNodes;

beforeEach(async () => {
  nodes = await TwoNodes.start({ devices: 2 });
});

afterEach(() => nodes[Symbol.asyncDispose]());

const sourceStates = async (): Promise<string[]> => (await nodes.source.states()).slice(0, devices.length);

const told =
  (type: string, part: string) =>
  ({ conditions }: Status): boolean =>
    conditions.some((one) => one.type === type && one.status === 'True' && one.message.includes(part));

/** The operator waits for the source and says what a person can do; then it is stopped, so that the person can write. */
async function waitedFor(): Promise<void> {
  await nodes.waitFor(
    'set',
    'the remedy is told',
    told('Reconciling', 'recover default/set --source-is-dead'),
  );
  const looked = await runRecover(nodes, ...DEAD);
  expect(looked).toMatchObject({ code: 3, said: expect.stringContaining('source gpu-a: no answer') });
  expect((await nodes.status('set'))?.sourceDead).toBeUndefined();
  await nodes.operator.stop();
}

async function expectEndedWithoutSource(): Promise<void> {
  await nodes.restartOperator();
  const status = await nodes.waitFor('set', 'the end', ({ completedAt }) => completedAt !== undefined);
  expect(status).toMatchObject({ phase: 'Succeeded', sourceDead: { proof: PROOF } });
  expect(told('SourceNotReleased', PROOF)(status)).toBe(true);
  await expectSetRuns(nodes.target, { devices });
  expect(await sourceStates()).toEqual(['StopCopy', 'StopCopy']);
}

/** An agent that comes back on its journal never lets the set run; what it holds is freed by Commit. */
async function expectSourceIsFreed(): Promise<void> {
  const uid = await nodes.uid('set');
  await nodes.source.restartAgent();
  await nodes.restartOperator();
  expect(await runRecover(nodes, ...DEAD)).toMatchObject({
    code: 0,
    said: expect.stringContaining('Nothing is left to do'),
  });
  const freed = ['--orphan', uid, '--node', 'gpu-a'];
  expect(await runRecover(nodes, ...freed, '--run', '--yes')).toMatchObject({ code: 4 });
  expect(await sourceStates()).toEqual(['StopCopy', 'StopCopy']);
  expect(await nodes.source.control.workload(0)).toMatchObject({ frozen: true });
  expect(await runRecover(nodes, ...freed, '--discard', '--yes')).toMatchObject({ code: 0 });
  await expectIdle(nodes.source, { devices });
  await expectSetRuns(nodes.target, { devices });
}

test('a source that dies for good right after Commit: the set is started at the target on a person’s word', async () => {
  await stoppedWithoutOperator(nodes, 'set', { devices });
  expect(await runRecover(nodes, ...DEAD, '--yes')).toMatchObject({
    code: 4,
    said: expect.stringContaining('the record says Undecided'),
  });
  await recordCommit(nodes, 'set');
  expect(await runRecover(nodes, ...DEAD, '--yes')).toMatchObject({
    code: 4,
    said: expect.stringContaining('the agent of gpu-a answers and says Stopped'),
  });
  await nodes.source.agent.process.kill();
  await nodes.restartOperator();
  await waitedFor();
  await allAt(nodes.target, 'Stop', devices.length);

  expect(await runRecover(nodes, ...DEAD, '--yes')).toMatchObject({
    code: 0,
    said: expect.stringMatching(/record that the source gpu-a is dead.*starts the set on gpu-b[\s\S]*Done/u),
  });
  await expectEndedWithoutSource();
  await expectSourceIsFreed();
});

test('a source that dies while the target is started: the migration ends, and says what was not released', async () => {
  const letTargetGo = await halfActivated(nodes, 'set', { devices });
  await nodes.source.agent.process.kill();
  await letTargetGo();
  await allAt(nodes.target, 'Running', devices.length);
  await waitedFor();
  expect(await runRecover(nodes, ...DEAD, '--yes')).toMatchObject({ code: 0 });
  await expectEndedWithoutSource();
});
