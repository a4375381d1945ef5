import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../support/managed-process.ts';
import { runRecover, startRecover } from '../support/recover-program.ts';
import { halfActivated } from '../support/recover-scenes.ts';
import { expectIdle, expectSetRuns } from '../support/set-checks.ts';
import { TwoNodes } from '../support/two-nodes.ts';

const devices = [0, 1];
const PATIENCE_MS = 90_000;
const PROOF = 'the power of gpu-b was cut, seen on site';
let nodes: TwoNodes;

beforeEach(async () => {
  nodes = await TwoNodes.start({ devices: 2 });
});

afterEach(() => nodes[Symbol.asyncDispose]());

/** The target's node dies after its activation was ordered. */
async function loseTarget(name: string): Promise<void> {
  await halfActivated(nodes, name, { devices });
  await nodes.target.agent.process.kill();
  await nodes.target.emulator.process.kill();
}

/** On a folder one process writes at a time. */
const stopOperator = (): Promise<void> => nodes.operator.stop();

const sourceStates = async (): Promise<string[]> => (await nodes.source.states()).slice(0, devices.length);

/** `first`: the error that came before all others. */
async function expectRecovered(name: string, reason: string, first = 'TargetLost'): Promise<void> {
  const status = await nodes.status(name);
  expect(status).toMatchObject({ phase: 'Failed', error: { code: first } });
  expect(status?.conditions).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ type: 'Ready', status: 'False', reason: 'TargetLost' }),
      expect.objectContaining({ type: 'Recovered', status: 'True', reason }),
    ]),
  );
}

describe('a target that is dead after its activation was ordered', () => {
  test('--source: the set runs at the source again, and the operator leaves it there', async () => {
    await loseTarget('set');
    const source = ['default/set', '--source', '--target-is-dead', PROOF];
    const before = await nodes.status('set');

    const looked = await runRecover(nodes, ...source);
    expect(looked.code).toBe(3);
    expect(looked.said).toMatch(/target gpu-b: no answer/u);
    expect(looked.said).toMatch(/Steps:[\s\S]*Commit -> Revert[\s\S]*gpu-a run again[\s\S]*Lost by it:/u);
    expect(await sourceStates()).toEqual(['StopCopy', 'StopCopy']);
    expect((await nodes.status('set'))?.decision).toEqual(before?.decision);

    await stopOperator();
    const acted = await runRecover(nodes, ...source, '--yes');
    expect(acted).toMatchObject({ code: 0, said: expect.stringContaining('Done.') });
    await expectSetRuns(nodes.source, { devices });
    await expectRecovered('set', 'BackAtSource');
    expect((await nodes.status('set'))?.decision).toMatchObject({
      value: 'Revert',
      reason: expect.stringContaining(PROOF),
    });

    const fence = (await nodes.status('set'))?.fence;
    await nodes.restartOperator();
    await nodes.operator.waitForLog((log) => (log.includes('"msg":"leading"') ? true : null), PATIENCE_MS);
    expect(await runRecover(nodes, ...source)).toMatchObject({
      code: 0,
      said: expect.stringContaining('Nothing is left to do'),
    });
    await expectSetRuns(nodes.source, { devices });
    expect((await nodes.status('set'))?.fence).toBe(fence);
  });

  test('--source, killed in the middle, is ended by another run', async () => {
    await loseTarget('set');
    await stopOperator();
    // The set cannot become quiet before it runs, so that the program stands in the middle of the way back.
    await nodes.source.control.fault(1, 'stall-arc', { to: 0x0, ms: 600_000, count: 1 });
    const args = ['default/set', '--source', '--target-is-dead', PROOF, '--yes'];
    await using program = startRecover(nodes, ...args);
    await program.waitForLog(
      (log) => (/\.\.\. let the set on gpu-a run again/u.test(log) ? true : null),
      PATIENCE_MS,
    );
    await eventually('the first device is on its way', PATIENCE_MS, async () =>
      (await sourceStates())[0] === 'RunningP2P' ? true : null,
    );
    await program.kill();
    expect(await nodes.status('set')).toMatchObject({ phase: 'Failed', decision: { value: 'Revert' } });
    expect((await nodes.status('set'))?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Recovered', status: 'False', reason: 'Recovering' }),
    );

    await nodes.source.control.clear(1);
    expect(await runRecover(nodes, ...args)).toMatchObject({ code: 0 });
    await expectSetRuns(nodes.source, { devices });
    await expectRecovered('set', 'BackAtSource');
  });

  test('--discard: the source is freed, and nothing of the set is left', async () => {
    await loseTarget('set');
    await stopOperator();
    expect(await runRecover(nodes, 'default/set', '--discard', '--yes')).toMatchObject({ code: 0 });
    await expectIdle(nodes.source, { devices });
    await expectRecovered('set', 'GivenUp');
    expect((await nodes.status('set'))?.decision.value).toBe('Commit');
  });
});

describe('a target that answers and has lost a device after its activation was ordered', () => {
  test('--source resets what is left there before the source runs', async () => {
    const letTargetGo = await halfActivated(nodes, 'set', { devices });
    await nodes.target.control.deviceReset(0);
    await letTargetGo();
    await nodes.waitFor('set', 'TargetLost', ({ phase }) => phase === 'Failed');
    expect(await sourceStates()).toEqual(['StopCopy', 'StopCopy']);
    await stopOperator();
    const acted = await runRecover(nodes, 'default/set', '--source', '--target-is-dead', PROOF, '--yes');
    expect(acted.code).toBe(0);
    expect(acted.said).toMatch(/RESET the devices on gpu-b[\s\S]*let the set on gpu-a run again/u);
    await expectIdle(nodes.target, { devices });
    await expectSetRuns(nodes.source, { devices });
    await expectRecovered('set', 'BackAtSource', 'DeviceStateLost');
    // Both sides are whole again: the same set can be moved anew.
    await nodes.restartOperator();
    await nodes.apply('again', { devices });
    expect((await nodes.ended('again')).phase).toBe('Succeeded');
  });
});

test('a target whose agent answers for silent devices gives the set up before the source runs', async () => {
  await halfActivated(nodes, 'set', { devices });
  await nodes.target.emulator.process.kill();
  const source = ['default/set', '--source', '--target-is-dead', PROOF];
  await eventually('the agent has noticed', PATIENCE_MS, async () =>
    (await runRecover(nodes, ...source)).said.includes('gpu-b/0 Unknown, gpu-b/1 Unknown') ? true : null,
  );
  await stopOperator();
  const acted = await runRecover(nodes, ...source, '--yes');
  expect(acted.code).toBe(0);
  expect(acted.said).toMatch(/gpu-b give the set up for good[\s\S]*let the set on gpu-a run again/u);
  await expectSetRuns(nodes.source, { devices });
  await expectRecovered('set', 'BackAtSource');
});

describe('what would not be safe', () => {
  test('--source is refused while the target answers and may run, and the voyage ends well', async () => {
    const letTargetGo = await halfActivated(nodes, 'set', { devices });
    const args = ['default/set', '--source', '--target-is-dead', PROOF, '--yes'];
    const asked = await runRecover(nodes, ...args);
    expect(asked).toMatchObject({ code: 4, said: expect.stringMatching(/Refused: .*gpu-b.*Activating/u) });
    expect(await sourceStates()).toEqual(['StopCopy', 'StopCopy']);
    await letTargetGo();
    expect((await nodes.ended('set')).phase).toBe('Succeeded');
    expect(await runRecover(nodes, ...args)).toMatchObject({ code: 4 });
  });

  test('an operator that works on the folder is not worked against', async () => {
    await loseTarget('set');
    const asked = await runRecover(nodes, 'default/set', '--discard', '--yes');
    expect(asked).toMatchObject({ code: 1, said: expect.stringContaining('stop it, run this again') });
    expect(await sourceStates()).toEqual(['StopCopy', 'StopCopy']);
  });
});
