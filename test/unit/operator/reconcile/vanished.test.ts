import { describe, expect, test } from '@jest/globals';
import type { ReconcileResult } from '@transship/operator/internal/reconcile/ports';
import { Loop } from './loop.ts';
import { MemoryStore } from './memory-store.ts';

/** Goes on until something is so after a look; returns what came of that look. */
async function runUntil(loop: Loop, holds: () => boolean): Promise<ReconcileResult> {
  for (let turn = 0; turn < 40; turn += 1) {
    const result = await loop.reconcile();
    if (holds()) return result;
    loop.clock.jump(result.kind === 'requeue' ? Math.max(result.afterMs, 250) : 0);
    loop.source.tell();
    loop.target.tell();
  }
  throw new Error(`never came, in ${loop.phase}`);
}

/** Force-deleted, and created again under its name. */
function replace({ store }: Loop): void {
  const { stored: next } = new MemoryStore();
  if (next !== null) store.stored = { ...next, uid: 'uid-2' };
}

/** A migration whose source is stopped: its Commit was not answered. */
async function stopped(): Promise<Loop> {
  const loop = new Loop();
  loop.store.upset = { write: 'Commit', applied: false };
  await runUntil(loop, () => loop.store.upset === null);
  expect(loop.source.node.phase).toBe('Stopped');
  loop.events.length = 0;
  return loop;
}

describe('an object that vanishes while its set is stopped', () => {
  test('is told of once, and nothing is ordered any more', async () => {
    const loop = await stopped();
    loop.store.stored = null;
    const heard = loop.source.heard.length;
    expect(await loop.reconcile()).toEqual({ kind: 'done' });
    expect(await loop.reconcile()).toEqual({ kind: 'done' });
    expect(loop.events).toEqual(['Warning RecordMissing']);
    expect(loop.vanished).toBe(1);
    expect(loop.source.heard).toHaveLength(heard);
    expect(loop.source.node.phase).toBe('Stopped');
  });

  test('is not taken for another one of its name', async () => {
    const loop = await stopped();
    replace(loop);
    await loop.reconcile();
    await loop.reconcile();
    expect(loop.events.filter((event) => event === 'Warning RecordMissing')).toHaveLength(1);
    expect(loop.vanished).toBe(1);
  });

  test('is told of when the agent of its source is silent since', async () => {
    const loop = await stopped();
    loop.source.silent = true;
    await loop.run(3);
    expect(loop.phase).not.toBe('Failed');
    loop.events.length = 0;
    loop.store.stored = null;
    await loop.reconcile();
    expect(loop.events).toEqual(['Warning RecordMissing']);
    expect(loop.vanished).toBe(1);
  });

  test('is told of by an operator that was started later and never met the agent of its source', async () => {
    const first = await stopped();
    const second = new Loop(first.store, 'operator-2', first);
    second.source.silent = true;
    await second.reconcile();
    second.store.stored = null;
    await second.reconcile();
    expect(second.events).toContain('Warning RecordMissing');
    expect(second.vanished).toBe(1);
  });

  test('is told of when another one takes its name between two steps, which is not taken for it', async () => {
    const loop = new Loop();
    const command = loop.source.command.bind(loop.source);
    loop.source.command = async (request) => {
      const reply = await command(request);
      if (request.command.kind === 'stop') replace(loop);
      return reply;
    };
    const result = await runUntil(loop, () => loop.store.stored?.uid === 'uid-2');
    expect(result).toEqual({ kind: 'requeue', afterMs: 0 });
    expect(loop.vanished).toBe(1);
    expect(loop.events).toContain('Warning RecordMissing');
    const { conditions = [] } = loop.store.stored?.status ?? {};
    expect(conditions.map(({ type }) => type)).not.toContain('Stalled');
  });
});

test('a set that was told what is decided goes on alone when its object vanishes, and nobody is called', async () => {
  const loop = new Loop();
  const command = loop.source.command.bind(loop.source);
  loop.source.command = async (request) => {
    if (request.command.kind !== 'release') return command(request);
    const reply = await command(request);
    loop.store.stored = null;
    return reply;
  };
  await loop.run();
  expect(loop.source.node.phase).toBe('Released');
  expect(loop.phase).toBe('gone');
  expect(loop.vanished).toBe(0);
});

test('devices that were held for an object are free for the next one of its name', async () => {
  const loop = new Loop();
  const { target } = loop;
  await runUntil(loop, () => target.node.phase === 'Loading');
  expect(loop.reservation.hold('uid-2', ['gpu-b/0'])).toBe(false);
  replace(loop);
  await loop.reconcile();
  expect(loop.reservation.hold('uid-2', ['gpu-b/0'])).toBe(true);
});

test('an object that has ended goes without a word', async () => {
  const loop = await new Loop().run();
  expect(loop.phase).toBe('Succeeded');
  loop.events.length = 0;
  loop.store.stored = null;
  await loop.reconcile();
  expect(loop.events).toEqual([]);
  expect(loop.vanished).toBe(0);
});
