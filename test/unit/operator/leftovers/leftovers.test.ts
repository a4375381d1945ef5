import { describe, expect, test } from '@jest/globals';
import { goodManifest } from '../../../support/bad-manifests.ts';
import { Loop } from '../reconcile/loop.ts';
import { KEY, MemoryStore } from '../reconcile/memory-store.ts';
import { leftoversOf } from './stage.ts';

const NEVER = new AbortController().signal;

/** A migration that ended without its target, which fell silent at this command on a node that was shut down. */
async function endedWithout(command: 'verify' | 'activate'): Promise<Loop> {
  const manifest = goodManifest();
  const spec = { ...manifest.spec, strategy: { mode: 'StopCopy' } };
  const loop = new Loop(new MemoryStore({ ...manifest, spec }));
  loop.outOfService.add('gpu-b');
  const obey = loop.target.command.bind(loop.target);
  loop.target.command = async (request) => {
    const answer = await obey(request);
    if (request.command.kind !== command) return answer;
    // It was obeyed, and nobody heard of it.
    loop.target.silent = true;
    return obey(request);
  };
  await loop.run(60);
  loop.target.command = obey;
  expect(loop.phase).toBe('Failed');
  return loop;
}

const read = (loop: Loop) => {
  if (loop.store.stored === null) throw new Error('the object is gone');
  return loop.store.stored;
};

describe('a target that comes back after its migration ended by Abort without it', () => {
  test('is reset under a fence above, once nobody else is at work on the record', async () => {
    const loop = await endedWithout('verify');
    expect(loop.target.node.phase).toBe('Verified');
    const { fence } = read(loop).status;
    const { leftovers } = leftoversOf(loop);
    leftovers.note(read(loop));
    await leftovers.round(NEVER);
    expect(leftovers.size).toBe(1);
    loop.target.silent = false;
    await leftovers.round(NEVER);
    expect(loop.target.node.phase).toBe('Verified');
    await leftovers.round(NEVER);
    expect(loop.target.node.phase).toBe('Discarded');
    expect(loop.target.node.states).toEqual(['Running', 'Running']);
    expect(read(loop).status).toMatchObject({ fence: fence + 1, phase: 'Failed', operator: 'operator-2' });
    expect(leftovers.size).toBe(0);
    expect(loop.source.node.states).toEqual(['Running', 'Running']);
  });

  test('is left alone as long as somebody raises the fence of its record', async () => {
    const loop = await endedWithout('verify');
    const { leftovers } = leftoversOf(loop);
    leftovers.note(read(loop));
    loop.target.silent = false;
    for (let round = 0; round < 5; round += 1) {
      await leftovers.round(NEVER);
      await loop.store.raiseFence(read(loop), 'a person');
    }
    expect(loop.target.node.phase).toBe('Verified');
  });

  test('is left alone when the record is gone or another one', async () => {
    for (const stored of [null, { uid: 'uid-2' }]) {
      const loop = await endedWithout('verify');
      const { leftovers } = leftoversOf(loop);
      leftovers.note(read(loop));
      loop.target.silent = false;
      loop.store.stored = stored === null ? null : { ...read(loop), ...stored };
      for (let round = 0; round < 3; round += 1) await leftovers.round(NEVER);
      expect(loop.target.node.phase).toBe('Verified');
      expect(leftovers.size).toBe(0);
    }
  });

  test('is asked after again when a write of the fence or the order got no answer', async () => {
    const loop = await endedWithout('verify');
    const { leftovers } = leftoversOf(loop);
    leftovers.note(read(loop));
    loop.target.silent = false;
    await leftovers.round(NEVER);
    loop.store.upset = { write: 'fence', applied: true };
    await leftovers.round(NEVER);
    expect(loop.target.node.phase).toBe('Verified');
    for (let round = 0; round < 2; round += 1) await leftovers.round(NEVER);
    expect(loop.target.node.phase).toBe('Discarded');
  });

  test('is reset though the record of another one before it cannot be read', async () => {
    const loop = await endedWithout('verify');
    const { leftovers } = leftoversOf(loop, ['uid-0']);
    leftovers.note({ ...read(loop), uid: 'uid-0', key: { namespace: 'default', name: 'uid-0' } });
    leftovers.note(read(loop));
    loop.target.silent = false;
    for (let round = 0; round < 2; round += 1) await leftovers.round(NEVER);
    expect(loop.target.node.phase).toBe('Discarded');
    expect(leftovers.size).toBe(1);
  });

  test('and refuses to be reset is asked less and less often, and a person is told once', async () => {
    const loop = await endedWithout('verify');
    const { leftovers, said } = leftoversOf(loop);
    leftovers.note(read(loop));
    loop.target.silent = false;
    const obey = loop.target.command.bind(loop.target);
    const refusal = { code: 'IllegalPhase', message: 'not now', device: null };
    loop.target.command = async (request) => {
      const attach = await obey({ ...request, role: 'target', command: { kind: 'attach' } });
      return attach.kind === 'session' ? { ...attach, refusal } : attach;
    };
    const { fence } = read(loop).status;
    for (let minutes = 0; minutes < 24 * 60; minutes += 2) {
      await leftovers.round(NEVER);
      await loop.clock.advance(120_000);
    }
    const raised = read(loop).status.fence - fence;
    expect(raised).toBeGreaterThan(3);
    expect(raised).toBeLessThan(20);
    expect(said).toEqual([expect.stringContaining('IllegalPhase: the target on gpu-b')]);
    expect(leftovers.size).toBe(1);
    loop.target.command = obey;
    await loop.clock.advance(6 * 3_600_000);
    await leftovers.round(NEVER);
    expect(loop.target.node.phase).toBe('Discarded');
  });

  test('never, since its node is gone, is waited for a day', async () => {
    const loop = await endedWithout('verify');
    const { leftovers } = leftoversOf(loop);
    const stored = read(loop);
    if (!stored.spec.ok) throw new Error('the spec was refused');
    const gone = { ...stored.spec.value, target: { ...stored.spec.value.target, nodeName: 'gpu-z' } };
    leftovers.note({ ...stored, spec: { ...stored.spec, value: gone } });
    await leftovers.round(NEVER);
    await loop.clock.advance(23 * 3_600_000);
    await leftovers.round(NEVER);
    expect(leftovers.size).toBe(1);
    await loop.clock.advance(3_600_000);
    await leftovers.round(NEVER);
    expect(leftovers.size).toBe(0);
  });

  test('and has not got its devices bound any more is asked after no longer', async () => {
    const loop = await endedWithout('verify');
    const { leftovers } = leftoversOf(loop);
    leftovers.note(read(loop));
    loop.target.silent = false;
    const header = { uid: 'uid-1', fence: 9, sequence: 1, operator: 'a person' };
    loop.target.node.send({ kind: 'discard', decision: 'Abort' }, header);
    loop.target.node.settle();
    await leftovers.round(NEVER);
    expect(leftovers.size).toBe(0);
    leftovers.note(read(loop));
    expect(leftovers.size).toBe(0);
  });
});

describe('a target that comes back after its migration ended as lost', () => {
  test('is never touched, and what a person is to do is said once', async () => {
    const loop = await endedWithout('activate');
    expect(read(loop).status).toMatchObject({ decision: { value: 'Commit' }, error: { code: 'TargetLost' } });
    const phase = loop.target.node.phase;
    const { leftovers, said } = leftoversOf(loop);
    leftovers.note(read(loop));
    loop.target.silent = false;
    for (let round = 0; round < 5; round += 1) await leftovers.round(NEVER);
    expect(loop.target.node.phase).toBe(phase);
    // One that runs holds nothing back; recover finds it.
    expect(said).toHaveLength(phase === 'Active' ? 0 : 1);
    expect(leftovers.size).toBe(0);
  });
});

test('a migration that has not ended, or has succeeded, is nobody’s leftover', async () => {
  const loop = await new Loop().run();
  expect(loop.phase).toBe('Succeeded');
  const { leftovers } = leftoversOf(loop);
  leftovers.note(read(loop));
  const { completedAt: _, ...status } = read(await endedWithout('verify')).status;
  leftovers.note({ ...read(loop), key: KEY, status });
  expect(leftovers.size).toBe(0);
});

test('rounds go on until they are told to stop', async () => {
  const loop = await endedWithout('verify');
  const { leftovers } = leftoversOf(loop);
  leftovers.note(read(loop));
  loop.target.silent = false;
  const stop = new AbortController();
  const running = leftovers.run(stop.signal);
  await loop.clock.advance(600_000);
  expect(loop.target.node.phase).toBe('Discarded');
  stop.abort();
  await running;
});
