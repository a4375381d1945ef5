import { describe, expect, test } from '@jest/globals';
import { goodManifest } from '../../../support/bad-manifests.ts';
import { leftoversOf } from '../leftovers/stage.ts';
import { Loop } from './loop.ts';
import { MemoryStore } from './memory-store.ts';

const NEVER = new AbortController().signal;
const PROOF = 'its power was cut, seen on site';
const DEAD = { at: '2026-01-01T00:00:00Z', by: 'a person', proof: PROOF };

/** A loop whose source falls silent for good at this command, which it does not hear. */
async function silencedAt(
  command: 'commit' | 'release',
  befall: (loop: Loop) => void = () => undefined,
): Promise<Loop> {
  const { spec, ...manifest } = goodManifest();
  const loop = new Loop(new MemoryStore({ ...manifest, spec: { ...spec, strategy: { mode: 'StopCopy' } } }));
  const obey = loop.source.command.bind(loop.source);
  loop.source.command = (request) => {
    if (request.command.kind === command) loop.source.silent = true;
    return obey(request);
  };
  befall(loop);
  await loop.run(60);
  expect(loop.source.silent).toBe(true);
  loop.source.command = obey;
  return loop;
}

const statusOf = (loop: Loop) => loop.store.stored!.status;
const condition = (loop: Loop, name: string) => statusOf(loop).conditions.find(({ type }) => type === name);

const declareDead = (loop: Loop): Promise<unknown> =>
  loop.store.patchStatus(loop.store.stored!, { sourceDead: DEAD });

describe.each(['commit', 'release'] as const)('a source that is gone from its %s on', (command) => {
  test('is waited for, and the one who waits is told what to do', async () => {
    const loop = await silencedAt(command);
    expect(statusOf(loop).completedAt).toBeUndefined();
    expect(statusOf(loop).decision.value).toBe('Commit');
    expect(loop.target.node.phase).toBe(command === 'commit' ? 'Verified' : 'Active');
    expect(condition(loop, 'Reconciling')).toMatchObject({
      reason: 'WaitingForAgent',
      message: expect.stringContaining('`transship recover default/trainer-0 --source-is-dead "PROOF"`'),
    });
  });

  test.each([
    ['out of service', 'OutOfService', (loop: Loop) => loop.outOfService.add('gpu-a')],
    ['declared dead', 'DeclaredDead', declareDead],
  ] as const)(
    'and %s: the set runs on, and the end says what was not released',
    async (_, reason, befall) => {
      const loop = await silencedAt(command);
      await befall(loop);
      await loop.run(60);
      expect(statusOf(loop)).toMatchObject({ phase: 'Succeeded', decision: { value: 'Commit' } });
      expect(loop.target.node.phase).toBe('Active');
      expect(condition(loop, 'Ready')).toMatchObject({ status: 'True' });
      expect(condition(loop, 'Reconciling')).toBeUndefined();
      expect(condition(loop, 'SourceNotReleased')).toMatchObject({
        status: 'True',
        reason,
        message: expect.stringContaining('gpu-a'),
      });
      expect(loop.events).toContain('Warning SourceNotReleased');
      // It is as it was, and whatever is asked of it by name of this migration, it stays so.
      expect(loop.source.node.phase).toBe('Stopped');
      expect(loop.source.node.states).toEqual(['StopCopy', 'StopCopy']);

      loop.source.silent = false;
      await loop.run(20);
      expect(loop.source.node.phase).toBe('Stopped');
      const { leftovers } = leftoversOf(loop);
      leftovers.note(loop.store.stored!);
      expect(leftovers.size).toBe(1);
      for (let round = 0; round < 3; round += 1) await leftovers.round(NEVER);
      expect(loop.source.node.phase).toBe('Released');
      expect(loop.source.node.workload).toBe('discarded');
      expect(loop.source.node.orders).not.toContain('thaw');
      expect(condition(loop, 'SourceNotReleased')).toBeUndefined();
      expect(statusOf(loop).phase).toBe('Succeeded');
      expect(leftovers.size).toBe(0);
    },
  );
});

test('a source that was declared dead and answers is told of Commit and released like any other', async () => {
  const loop = await silencedAt('commit');
  await declareDead(loop);
  loop.source.silent = false;
  await loop.run(60);
  expect(loop.source.heard.slice(-2)).toEqual(['commit', 'release']);
  expect(statusOf(loop).phase).toBe('Succeeded');
  expect(condition(loop, 'SourceNotReleased')).toBeUndefined();
});

test('a source that lost its devices with its node is reset, and its workload is not thawed', async () => {
  const loop = await silencedAt('commit', ({ outOfService }) => outOfService.add('gpu-a'));
  expect(statusOf(loop).phase).toBe('Succeeded');
  for (const device of [0, 1]) loop.source.node.replace(device);
  loop.source.node.restart();
  expect(loop.source.node.phase).toBe('Stopped');
  loop.source.silent = false;
  const { leftovers } = leftoversOf(loop);
  leftovers.note(loop.store.stored!);
  for (let round = 0; round < 3; round += 1) await leftovers.round(NEVER);
  expect(loop.source.node.phase).toBe('Released');
  expect(loop.source.node.orders).not.toContain('thaw');
});

test('that it was freed is written again when the first write got no answer', async () => {
  const loop = await silencedAt('release', ({ outOfService }) => outOfService.add('gpu-a'));
  loop.source.silent = false;
  const { leftovers } = leftoversOf(loop);
  leftovers.note(loop.store.stored!);
  loop.store.upset = { write: 'status', applied: false };
  for (let round = 0; round < 2; round += 1) await leftovers.round(NEVER);
  expect(loop.source.node.phase).toBe('Released');
  expect(condition(loop, 'SourceNotReleased')).toBeDefined();
  expect(leftovers.size).toBe(1);
  await leftovers.round(NEVER);
  expect(condition(loop, 'SourceNotReleased')).toBeUndefined();
  expect(leftovers.size).toBe(0);
});
