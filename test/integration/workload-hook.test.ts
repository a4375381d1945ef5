import { describe, expect, test } from '@jest/globals';
import { HookedNodes } from '../support/hooked-nodes.ts';

const MiB = 1024 * 1024;
/** More than an agent would hold of a state that is used as a whole. */
const LARGE = 80 * MiB;

describe('a workload that serves the hook', () => {
  test('moves with its devices: every byte of its memory, and its counter where it stood', async () => {
    await using nodes = await HookedNodes.start(LARGE);
    const { source, target } = nodes;
    const voyage = nodes.voyage();
    await voyage.prepare(1);
    await voyage.order('source', { kind: 'preCopy', generation: 1 }, 'PreCopy');
    await voyage.verify(await voyage.stop(1));
    await voyage.commit();

    const left = (await source.hook.lines()).map(({ state }) => state);
    expect(left).toEqual(['STATE_RUNNING', 'STATE_FROZEN', 'STATE_ENDED']);
    const arrived = await target.hook.lines();
    expect(arrived.map(({ state }) => state)).toEqual([
      'STATE_INCOMING',
      'STATE_INCOMING',
      'STATE_FROZEN',
      'STATE_RUNNING',
    ]);
    const [, frozen] = await source.hook.lines();
    const { counter, bytes, digest } = frozen!;
    expect(bytes).toBe(LARGE);
    expect(counter).toBeGreaterThan(0);
    expect(arrived.slice(2)).toMatchObject([
      { counter, bytes, digest },
      { counter, bytes, digest },
    ]);
    expect(await source.emulator.control.violations()).toEqual([]);
    expect(await target.emulator.control.violations()).toEqual([]);
  });

  test('runs on at the source after an Abort, and nothing of it stays at the target', async () => {
    await using nodes = await HookedNodes.start(MiB);
    const voyage = nodes.voyage();
    await voyage.prepare(1);
    await voyage.verify(await voyage.stop(1));
    expect(await nodes.target.hook.last()).toMatchObject({ state: 'STATE_FROZEN', bytes: MiB });
    await voyage.order('source', { kind: 'rollBack', decision: 'Abort' }, 'RolledBack');
    await voyage.order('target', { kind: 'discard', decision: 'Abort' }, 'Discarded');

    const [begun] = await nodes.source.hook.lines();
    expect(await nodes.source.hook.last()).toMatchObject({ state: 'STATE_RUNNING', digest: begun!.digest });
    expect(await nodes.target.hook.last()).toMatchObject({ state: 'STATE_ENDED', bytes: 0 });
  });

  test('is told before it is thawed which device was reset on the way back', async () => {
    await using nodes = await HookedNodes.start(MiB);
    const voyage = nodes.voyage();
    await voyage.prepare(1);
    await voyage.stop(1);
    // Refuses to be quiet again, so that only RESET brings it back.
    await nodes.source.emulator.control.fault(1, 'refuse-arc', { to: 0x9, errno: 5 });
    await voyage.send('source', { kind: 'rollBack', decision: 'Abort' });

    const session = await voyage.reach('source', 'RolledBack');
    const lines = await nodes.source.hook.lines();
    expect(lines.slice(-2)).toMatchObject([
      { state: 'STATE_FROZEN', blank: ['gpu-a/1'] },
      { state: 'STATE_RUNNING', blank: ['gpu-a/1'] },
    ]);
    expect(session.devices.map(({ lost }) => lost)).toEqual([false, true]);
  });

  test('that dies at the target while it waits ends the load, and the source runs on', async () => {
    await using nodes = await HookedNodes.start(MiB);
    const voyage = nodes.voyage();
    await voyage.prepare(1);
    await nodes.target.hook.process.kill();
    await voyage.order('source', { kind: 'quiesce', timeoutMs: 60_000, waitOnTimeout: false }, 'Quiesced');
    await voyage.send('source', { kind: 'stop', generation: 1 }, 0);
    const { error } = await voyage.until('target', 'the load ends', (session) => session.error !== null);
    expect(error).toMatchObject({ code: 'WorkloadFailed' });
    await voyage.order('source', { kind: 'rollBack', decision: 'Abort' }, 'RolledBack');
    await voyage.send('target', { kind: 'discard', decision: 'Abort' });
    await voyage.reach('target', 'Discarded');
    expect(await nodes.source.hook.last()).toMatchObject({ state: 'STATE_RUNNING' });
  });

  test('that is not there is no workload to move', async () => {
    await using nodes = await HookedNodes.start(MiB);
    await nodes.source.hook.process.kill();
    const command = { kind: 'prepare', generation: 1, devices: nodes.source.shore.devices } as const;
    const { refusal } = await nodes.voyage().send('source', command);
    expect(refusal).toMatchObject({ code: 'WorkloadUnreachable' });
  });
});
