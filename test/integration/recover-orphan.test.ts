import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { runRecover } from '../support/recover-program.ts';
import {
  allAt,
  backup,
  halfActivated,
  restore,
  stoppedWithoutOperator,
  vanish,
} from '../support/recover-scenes.ts';
import { expectIdle, expectSetMoved, expectSetRuns } from '../support/set-checks.ts';
import { TwoNodes } from '../support/two-nodes.ts';

const devices = [0, 1];
let nodes: TwoNodes;

beforeEach(async () => {
  nodes = await TwoNodes.start({ devices: 2 });
});

afterEach(() => nodes[Symbol.asyncDispose]());

test('a set whose object vanished while it was stopped runs again where it was', async () => {
  await stoppedWithoutOperator(nodes, 'set', { devices });
  const orphan = ['--orphan', await nodes.uid('set'), '--node', 'gpu-a', '--run'];
  expect(await runRecover(nodes, ...orphan)).toMatchObject({
    code: 4,
    said: expect.stringMatching(/Refused: the migration default\/set has this UID/u),
  });
  await vanish(nodes, 'set');
  const looked = await runRecover(nodes, ...orphan, '-o', 'json');
  expect(looked.code).toBe(3);
  const [plan] = looked.said.split('\n').map((line) => JSON.parse(line || 'null') as unknown);
  expect(plan).toMatchObject({
    kind: 'plan',
    plan: {
      steps: [
        { kind: 'claim' },
        { kind: 'attach', role: 'target' },
        { kind: 'attach', role: 'source' },
        { kind: 'discardTarget', node: 'gpu-b', decision: 'Abort' },
        { kind: 'rollBackSource', node: 'gpu-a', decision: 'Abort' },
      ],
      losses: [],
    },
  });
  expect(await runRecover(nodes, ...orphan, '--yes')).toMatchObject({ code: 0 });
  await expectSetRuns(nodes.source, { devices });
  await expectIdle(nodes.target, { devices });
  expect(await runRecover(nodes, ...orphan, '--yes')).toMatchObject({
    code: 0,
    said: expect.stringContaining('Nothing is left to do'),
  });
});

test('a set whose object vanished while its target was started is started there, and never at both', async () => {
  const letTargetGo = await halfActivated(nodes, 'set', { devices });
  const uid = await nodes.uid('set');
  await nodes.operator.kill();
  await vanish(nodes, 'set');
  expect(await runRecover(nodes, '--orphan', uid, '--node', 'gpu-a', '--run', '--yes')).toMatchObject({
    code: 4,
    said: expect.stringMatching(/Refused: the set may run on gpu-b/u),
  });
  await allAt(nodes.source, 'StopCopy', devices.length);
  await letTargetGo();
  expect(await runRecover(nodes, '--orphan', uid, '--node', 'gpu-b', '--run', '--yes')).toMatchObject({
    code: 0,
  });
  await expectSetMoved(nodes, devices);
});

test('a set whose record was restored from an old backup is ended by hand, and no operator goes on with it', async () => {
  const letGo = await nodes.source.holdQuiet(1);
  await nodes.apply('old', { devices });
  await allAt(nodes.target, 'Resuming', devices.length);
  const copy = await backup(nodes, 'old');
  await nodes.target.control.fault(0, 'stall-arc', { to: 0x0, ms: 600_000, count: 1 });
  await letGo();
  await nodes.waitFor('old', 'the target verifies', ({ phase }) => phase === 'Verifying');
  await nodes.operator.kill();
  await nodes.target.control.clear(0);
  await restore(nodes, 'old', copy);
  await nodes.restartOperator();
  await nodes.waitFor('old', 'a person is waited for', ({ conditions }) =>
    conditions.some(({ type, reason }) => type === 'Stalled' && reason === 'RecordRegressed'),
  );
  const orphan = ['--orphan', await nodes.uid('old'), '--node', 'gpu-a', '--run', '--yes'];
  await nodes.operator.stop();
  expect(await runRecover(nodes, ...orphan)).toMatchObject({ code: 0 });
  await expectSetRuns(nodes.source, { devices });
  await expectIdle(nodes.target, { devices });
  const ended = await nodes.status('old');
  expect(ended).toMatchObject({ phase: 'Failed', error: { code: 'RecordRegressed' } });
  expect(ended?.conditions).toContainEqual(
    expect.objectContaining({ type: 'Recovered', status: 'True', reason: 'BackAtSource' }),
  );
  await nodes.restartOperator();
  await nodes.apply('next', { devices });
  expect((await nodes.ended('next')).phase).toBe('Succeeded');
  expect(await nodes.status('old')).toEqual(ended);
});
