import { expect, test } from '@jest/globals';
import type { WorkloadState } from '@transship/node-agent/core';
import { Loop } from './loop.ts';

/** What the target's workload is when `activate` arrives for the first time, the second time, and so on. */
function loopThatFinds(...found: readonly WorkloadState[]): Loop {
  const loop = new Loop();
  const { target } = loop;
  const command = target.command.bind(target);
  const left = [...found];
  target.command = (request) => {
    if (request.command.kind === 'activate') target.node.workload = left.shift() ?? target.node.workload;
    return command(request);
  };
  return loop;
}

test('a target workload that ended before it was activated: Commit becomes Revert, and the source runs again', async () => {
  const loop = await loopThatFinds('discarded').run();
  expect(loop.store.stored?.status).toMatchObject({
    phase: 'Failed',
    decision: { value: 'Revert' },
    error: { code: 'WorkloadFailed' },
  });
  expect(loop.source.node).toMatchObject({ workload: 'running', phase: 'RolledBack' });
  expect(loop.source.node.states).toEqual(['Running', 'Running']);
  expect(loop.target.node).toMatchObject({ workload: 'discarded', phase: 'Discarded' });
});

test('a target workload that runs although nobody told it to is ended before the source runs again', async () => {
  const loop = await loopThatFinds('running').run();
  expect(loop.store.stored?.status).toMatchObject({ phase: 'Failed', decision: { value: 'Revert' } });
  expect(loop.target.node).toMatchObject({ workload: 'discarded', phase: 'Discarded' });
  expect(loop.source.node).toMatchObject({ workload: 'running', phase: 'RolledBack' });
});

test('a target workload that does not answer is activated when it does', async () => {
  const loop = await loopThatFinds('unknown', 'unknown', 'frozen').run();
  expect(loop.phase).toBe('Succeeded');
  expect(loop.target.heard.filter((kind) => kind === 'activate')).toHaveLength(3);
  expect(loop.target.node).toMatchObject({ workload: 'running', phase: 'Active' });
});
