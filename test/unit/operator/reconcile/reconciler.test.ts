import { describe, expect, test } from '@jest/globals';
import { unknownSession } from '@transship/node-agent/contract';
import { goodManifest } from '../../../support/bad-manifests.ts';
import { Loop } from './loop.ts';
import { MemoryStore } from './memory-store.ts';

const inMode = (mode: 'PreCopy' | 'StopCopy'): MemoryStore => {
  const manifest = goodManifest();
  return new MemoryStore({ ...manifest, spec: { ...manifest.spec, strategy: { mode } } });
};

describe('the reconcile loop', () => {
  test('takes a set from its first look to Succeeded, and lets the object go', async () => {
    const loop = await new Loop(inMode('StopCopy')).run();
    expect(loop.store.stored?.status).toMatchObject({
      phase: 'Succeeded',
      fence: 1,
      decision: { value: 'Commit' },
      devices: [
        { source: 'gpu-a/0', target: 'gpu-b/0' },
        { source: 'gpu-a/1', target: 'gpu-b/1' },
      ],
    });
    expect(loop.store.writes.filter((write) => !write.startsWith('status'))).toEqual([
      'finalizer',
      'fence',
      'stopping',
      'Commit',
      'no finalizer',
    ]);
    expect(loop.source.heard).toEqual(['attach', 'prepare', 'quiesce', 'stop', 'commit', 'release']);
    expect(loop.target.heard).toEqual(['attach', 'prepare', 'verify', 'activate']);
    expect(loop.ended).toEqual(['Succeeded']);
    expect(loop.events.at(-1)).toBe('Normal Succeeded');
  });

  test('leaves a finished object alone', async () => {
    const loop = await new Loop(inMode('StopCopy')).run();
    const writes = loop.store.writes.length;
    expect(await loop.reconcile()).toEqual({ kind: 'done' });
    expect(loop.store.writes).toHaveLength(writes);
  });

  test('reads a Commit back whose answer was lost, and obeys what is written', async () => {
    const loop = new Loop(inMode('StopCopy'));
    loop.store.upset = { write: 'Commit', applied: true };
    await loop.run();
    expect(loop.phase).toBe('Succeeded');
    expect(loop.store.writes.filter((write) => write === 'Commit')).toHaveLength(1);
  });

  test('writes a Commit again that never arrived', async () => {
    const loop = new Loop(inMode('StopCopy'));
    loop.store.upset = { write: 'Commit', applied: false };
    await loop.run();
    expect(loop.phase).toBe('Succeeded');
  });

  test('fences an end off whose answer was lost, so that it cannot land once something else was begun', async () => {
    const loop = new Loop(inMode('StopCopy'));
    loop.store.upset = { write: 'status Succeeded', applied: false };
    await loop.run();
    expect(loop.phase).toBe('Succeeded');
    expect(loop.store.stored?.status.fence).toBe(2);
  });

  test('of a restarted operator raises the fence and goes on where the agents are', async () => {
    const first = new Loop(inMode('PreCopy'));
    await first.reconcile();
    const second = await new Loop(first.store, 'operator-2', first).run();
    expect(second.store.stored?.status).toMatchObject({
      phase: 'Succeeded',
      fence: 2,
      operator: 'operator-2',
    });
    expect(second.source.heard.filter((command) => command === 'prepare')).toHaveLength(1);
  });

  test('of an operator that was overtaken touches nothing more', async () => {
    const first = new Loop(inMode('PreCopy'));
    await first.reconcile();
    const second = new Loop(first.store, 'operator-2', first);
    await second.reconcile();
    const heard = first.source.heard.length;
    expect(await first.reconcile()).toEqual({ kind: 'requeue', afterMs: 1000 });
    expect(first.source.heard).toHaveLength(heard);
  });

  test('rolls back when the object is deleted before the decision, and only then lets it go', async () => {
    const loop = new Loop(inMode('PreCopy'));
    await loop.reconcile();
    expect(loop.source.node.phase).toBe('PreCopy');
    loop.store.requestDeletion();
    await loop.run();
    expect(loop.store.stored).toMatchObject({
      finalizerPresent: false,
      status: { phase: 'Aborted', decision: { value: 'Abort' } },
    });
    expect(loop.source.node.states).toEqual(['Running', 'Running']);
    expect(loop.source.node.phase).toBe('RolledBack');
    expect(loop.target.node.phase).toBe('Discarded');
  });

  test('does not decide for an object that was deleted while the last command was out', async () => {
    const loop = new Loop(inMode('StopCopy'));
    const command = loop.target.command.bind(loop.target);
    loop.target.command = (request) => {
      if (request.command.kind === 'verify') loop.store.requestDeletion();
      return command(request);
    };
    await loop.run();
    expect(loop.phase).toBe('Aborted');
    expect(loop.store.writes).toContain('Abort');
    expect(loop.store.writes).not.toContain('Commit');
  });

  test('is refused at once when an agent speaks a version too far away', async () => {
    const loop = new Loop(inMode('PreCopy'));
    const skew = { code: 'VersionSkew', message: 'upgrade the agent', device: null };
    loop.target.describe = () => Promise.resolve({ kind: 'unreachable', failure: skew });
    await loop.run(2);
    expect(loop.store.stored?.status).toMatchObject({ phase: 'Rejected', error: { code: 'VersionSkew' } });
    expect(loop.source.heard).toEqual(['attach']);
  });

  test('gives up when the target is replaced by a version too far away before the decision', async () => {
    const loop = new Loop(inMode('StopCopy'));
    const command = loop.target.command.bind(loop.target);
    const refusal = { code: 'VersionSkew', message: 'upgrade the agent', device: null };
    let isReplaced = false;
    loop.target.command = (request) => {
      isReplaced ||= request.command.kind === 'verify';
      if (!isReplaced) return command(request);
      const { uid, fence } = request.header;
      const session = { ...unknownSession(uid, 'target', 'another'), fence, phase: 'Loading' as const };
      return Promise.resolve({ kind: 'session', session, refusal });
    };
    await loop.run(60);
    expect(loop.store.stored?.status.decision).toMatchObject({ value: 'Abort' });
    expect(loop.store.stored?.status.decision.reason).toMatch(/^VersionSkew: /);
    expect(loop.source.node.phase).toBe('RolledBack');
  });

  test('gives up for a source device that never stops, waits for it, and says so meanwhile', async () => {
    const loop = new Loop(inMode('StopCopy'));
    const command = loop.source.command.bind(loop.source);
    loop.source.command = (request) => {
      if (request.command.kind === 'stop') loop.source.stuck = [1];
      return command(request);
    };
    await loop.run(200);
    expect(loop.store.stored?.status).toMatchObject({ phase: 'RollingBack', decision: { value: 'Abort' } });
    expect(loop.store.stored?.status.decision.reason).toMatch(/^DeviceStuck: /);
    expect(loop.store.stored?.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'Reconciling', reason: 'DeviceStuck' }),
    );
    expect(loop.source.node.jobs).toEqual([1]);
    // The call returns after all: what the device then is, is taken in, and the set goes home.
    loop.source.command = command;
    loop.source.stuck = [];
    loop.source.node.settle();
    await loop.run(60);
    expect(loop.source.node.states).toEqual(['Running', 'Running']);
    expect(loop.source.node.workload).toBe('running');
    expect(loop.store.stored?.status).toMatchObject({ phase: 'Failed', error: { code: 'DeviceStuck' } });
  });

  test('gives up for a target that stays silent while the source is stopped, source first', async () => {
    const loop = new Loop(inMode('StopCopy'));
    const command = loop.target.command.bind(loop.target);
    loop.target.command = (request) => {
      if (request.command.kind === 'verify') loop.target.silent = true;
      return command(request);
    };
    await loop.run(60);
    expect(loop.store.stored?.status.decision).toMatchObject({ value: 'Abort' });
    expect(loop.source.node.phase).toBe('RolledBack');
    expect(loop.phase).toBe('RollingBack');
    expect(loop.store.stored?.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'Reconciling', reason: 'WaitingForAgent' }),
    );
    loop.target.silent = false;
    await loop.run();
    expect(loop.store.stored?.status).toMatchObject({ phase: 'Failed', error: { code: 'AgentUnreachable' } });
  });

  test.each(['PreCopy', 'StopCopy'] as const)(
    'gives up for a target device that stays silent, also when it copies by %s',
    async (mode) => {
      const loop = new Loop(inMode(mode));
      const command = loop.target.command.bind(loop.target);
      loop.target.command = (request) => {
        if (request.command.kind === 'verify') loop.target.node.answers(1, false);
        return command(request);
      };
      await loop.run(60);
      expect(loop.store.stored?.status.decision).toMatchObject({ value: 'Abort' });
      expect(loop.source.node.phase).toBe('RolledBack');
      expect(loop.source.node.states).toEqual(['Running', 'Running']);
      loop.target.node.answers(1, true);
      loop.target.node.settle();
      await loop.run();
      expect(loop.store.stored?.status).toMatchObject({
        phase: 'Failed',
        error: { code: 'DeadlineExceeded', message: expect.stringContaining('gpu-b/1 has not answered') },
      });
    },
  );

  test('bears with a device that is silent for a while', async () => {
    const loop = new Loop(inMode('StopCopy'));
    const command = loop.target.command.bind(loop.target);
    loop.target.command = (request) => {
      if (request.command.kind === 'verify') loop.target.node.answers(1, false);
      return command(request);
    };
    await loop.run(20);
    expect(loop.phase).toBe('Verifying');
    loop.target.node.answers(1, true);
    loop.target.node.settle();
    await loop.run();
    expect(loop.phase).toBe('Succeeded');
  });

  test('does not order in a circle what fails at once: a thaw that is refused is tried again at leisure', async () => {
    const loop = new Loop(inMode('StopCopy'));
    const { node } = loop.target;
    let broken = true;
    node.settle = () => {
      for (let [job] = node.jobs; job !== undefined; [job] = node.jobs)
        node.finish(job, broken && job === 'workload' ? 'refused' : 'done');
      return node;
    };
    for (let looks = 0; looks < 10; looks += 1) {
      expect(await loop.reconcile()).toMatchObject({ kind: 'requeue' });
      loop.target.tell();
    }
    expect(node.phase).toBe('Starting');
    expect(loop.target.heard.filter((command) => command === 'activate')).toHaveLength(2);
    broken = false;
    await loop.run();
    expect(loop.phase).toBe('Succeeded');
  });

  test('waits, under the fence it holds, for an agent that cannot use its journal, and says why', async () => {
    const loop = new Loop(inMode('StopCopy'));
    const message = 'the journal of the migration cannot be used';
    loop.source.command = ({ header }) =>
      Promise.resolve({
        kind: 'session',
        session: unknownSession(header.uid, 'source', 'gpu-a'),
        refusal: { code: 'Internal', message, device: null },
      });
    for (let looks = 0; looks < 10; looks += 1) {
      await loop.reconcile();
      loop.clock.jump(1_000);
    }
    expect(loop.store.stored?.status.fence).toBe(1);
    expect(loop.store.stored?.status.conditions).toContainEqual(
      expect.objectContaining({ reason: 'WaitingForAgent', message: expect.stringContaining(message) }),
    );
  });

  test.each([
    ['a device that belongs to another migration', { migrationUid: 'other' }, 'DeviceBusy'],
    ['a device without peer-to-peer quiesce in a set', { p2p: false }, 'NoPeerToPeerQuiesce'],
    ['a device without RESET', { resetSupported: false }, 'ResetUnsupported'],
    ['a device that is not Running', { state: 'Stop' as const }, 'DeviceNotRunning'],
    ['a device in quarantine', { health: 'Quarantined' as const }, 'DeviceNotMigratable'],
    ['a device of a monitor', { notMigratable: 'it is held', code: 'OwnedByVmm' }, 'OwnedByVmm'],
  ])('rejects %s before any command but attach', async (_, change, code) => {
    const loop = new Loop();
    loop.source.describes = (device) => ({ ...device, ...change });
    await loop.run();
    expect(loop.store.stored?.status).toMatchObject({ phase: 'Rejected', error: { code } });
    expect([...loop.source.heard, ...loop.target.heard]).toEqual(['attach', 'attach']);
    expect(loop.events.at(-1)).toBe('Warning Rejected');
  });

  test.each(['source', 'target'] as const)(
    'waits for a device of the %s that does not answer yet',
    async (side) => {
      const loop = new Loop();
      loop[side].describes = (device) => ({ ...device, health: 'Unreachable', reason: 'it does not answer' });
      await loop.run(3);
      expect(loop.store.stored?.status).toMatchObject({ phase: 'Preparing' });
      loop[side].describes = (device) => device;
      await loop.run();
      expect(loop.store.stored?.status).toMatchObject({ phase: 'Succeeded' });
    },
  );

  test('rejects a device that does not answer for a minute', async () => {
    const loop = new Loop();
    loop.source.describes = (device) => ({ ...device, health: 'Unreachable', reason: 'it does not answer' });
    await loop.run(200);
    expect(loop.store.stored?.status).toMatchObject({
      phase: 'Rejected',
      error: { code: 'DeviceUnreachable' },
    });
  });

  test('rejects target devices that are a part of their workload, with no command but attach', async () => {
    const loop = new Loop();
    loop.target.describes = (device) => ({ ...device, workload: 'trainer' });
    loop.target.beside = [{ id: 'gpu-b/rest', workload: 'trainer', migrationUid: 'another' }];
    await loop.run();
    expect(loop.store.stored?.status).toMatchObject({
      phase: 'Rejected',
      error: { code: 'SetIncomplete', message: expect.stringContaining('gpu-b/rest') },
    });
    expect([...loop.source.heard, ...loop.target.heard]).toEqual(['attach', 'attach']);
  });

  test('rejects a manifest that does not parse without raising the fence', async () => {
    const manifest = goodManifest();
    const loop = new Loop(
      new MemoryStore({ ...manifest, spec: { ...manifest.spec, target: { nodeName: 'gpu-a' } } }),
    );
    await loop.run();
    expect(loop.store.stored?.status).toMatchObject({
      phase: 'Rejected',
      fence: 0,
      error: { code: 'SameNode' },
    });
  });

  test('waits for a node that has no agent yet, and rejects when none comes', async () => {
    const manifest = goodManifest();
    const spec = { ...manifest.spec, target: { nodeName: 'gpu-z' } };
    const loop = new Loop(new MemoryStore({ ...manifest, spec }));
    const soon = await loop.reconcile();
    expect(soon.kind).toBe('requeue');
    expect(loop.phase).not.toBe('Rejected');
    loop.clock.jump(61_000);
    await loop.run();
    expect(loop.store.stored?.status).toMatchObject({ phase: 'Rejected', error: { code: 'NodeUnknown' } });
  });
});
