import { describe, expect, test } from '@jest/globals';
import { HookFreezer } from '@transship/node-agent/internal/workload/hook-freezer';
import { HookedNodes } from '../support/hooked-nodes.ts';

const MiB = 1024 * 1024;

describe('a workload whose process is killed', () => {
  test.each(['Quiesced', 'Stopped'] as const)(
    'while its set is %s lets its devices go home without it',
    async (phase) => {
      await using nodes = await HookedNodes.start(MiB);
      const voyage = nodes.voyage();
      await voyage.prepare(1);
      if (phase === 'Stopped') await voyage.stop(1);
      else
        await voyage.order(
          'source',
          { kind: 'quiesce', timeoutMs: 60_000, waitOnTimeout: false },
          'Quiesced',
        );
      await nodes.source.hook.process.kill();
      const decision = phase === 'Stopped' ? 'Abort' : 'Undecided';
      await voyage.send('source', { kind: 'rollBack', decision });

      const session = await voyage.reach('source', 'RolledBack');
      expect(session).toMatchObject({ error: { code: 'WorkloadFailed' } });
      expect(session.devices.map(({ state, lost }) => ({ state, lost }))).toEqual([
        { state: 'Running', lost: false },
        { state: 'Running', lost: false },
      ]);
      await voyage.send('target', { kind: 'discard', decision });
      await voyage.reach('target', 'Discarded');
      expect(await nodes.source.emulator.control.violations()).toEqual([]);
    },
  );

  test('at the source after Commit has ended, and its devices are freed', async () => {
    await using nodes = await HookedNodes.start(MiB);
    const voyage = nodes.voyage();
    await voyage.prepare(1);
    await voyage.verify(await voyage.stop(1));
    await voyage.order('target', { kind: 'activate', decision: 'Commit' }, 'Active');
    await nodes.source.hook.process.kill();
    await voyage.order('source', { kind: 'release', decision: 'Commit' }, 'Released');
    expect(await nodes.target.hook.last()).toMatchObject({ state: 'STATE_RUNNING' });
  });

  test('at the target before it was to run is found out, and what was loaded is given up', async () => {
    await using nodes = await HookedNodes.start(MiB);
    const voyage = nodes.voyage();
    await voyage.prepare(1);
    await voyage.verify(await voyage.stop(1));
    await nodes.target.hook.process.kill();
    const { refusal } = await voyage.send('target', { kind: 'activate', decision: 'Commit' });
    expect(refusal).toMatchObject({ code: 'WorkloadFailed' });
    await voyage.send('target', { kind: 'discard', decision: 'Commit' });
    await voyage.reach('target', 'Discarded');
    await voyage.order('source', { kind: 'rollBack', decision: 'Revert' }, 'RolledBack');
    expect(await nodes.source.hook.last()).toMatchObject({ state: 'STATE_RUNNING' });
  });
});

test('a copy that somebody else let run at the target is stopped and ended before the source may run', async () => {
  await using nodes = await HookedNodes.start(MiB);
  const voyage = nodes.voyage();
  await voyage.prepare(1);
  await voyage.verify(await voyage.stop(1));
  await new HookFreezer({ socketPath: nodes.target.hook.socketPath }).thaw('');
  const { refusal } = await voyage.send('target', { kind: 'activate', decision: 'Commit' });
  expect(refusal).toMatchObject({ code: 'WorkloadFailed' });
  await voyage.send('target', { kind: 'discard', decision: 'Commit' });
  await voyage.reach('target', 'Discarded');
  const states = (await nodes.target.hook.lines()).map(({ state }) => state);
  expect(states.slice(-3)).toEqual(['STATE_RUNNING', 'STATE_FROZEN', 'STATE_ENDED']);
});

test('a Thaw of an attempt that is over thaws nothing that was frozen since', async () => {
  await using nodes = await HookedNodes.start(MiB);
  const { socketPath } = nodes.source.hook;
  const hook = new HookFreezer({ socketPath });
  await hook.freeze('first');
  await hook.thaw('first');
  await hook.freeze('second');
  await expect(hook.thaw('first')).rejects.toThrow('FAILED_PRECONDITION');
  expect(await hook.state()).toBe('frozen');
  await hook.thaw('second');
  expect(await hook.state()).toBe('running');
  // It goes on at once when it is asked again, and for an agent that does not tell.
  await hook.thaw('first');
  await hook.freeze('third');
  await hook.thaw('');
  expect(await hook.state()).toBe('running');
});
