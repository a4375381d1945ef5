import { describe, expect, test } from '@jest/globals';
import { Loop } from './loop.ts';

/** A migration whose source is stopped: its Commit was not answered. */
async function stopped(): Promise<Loop> {
  const loop = new Loop();
  loop.store.upset = { write: 'Commit', applied: false };
  for (let turn = 0; turn < 40 && loop.store.upset !== null; turn += 1) {
    const result = await loop.reconcile();
    loop.clock.jump(result.kind === 'requeue' ? Math.max(result.afterMs, 250) : 0);
    loop.source.tell();
    loop.target.tell();
  }
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
    const { stored } = loop.store;
    if (stored === null) throw new Error('no record');
    const { decision } = stored.status;
    loop.store.stored = { ...stored, uid: 'uid-2', status: { ...stored.status, fence: 0, decision } };
    await loop.reconcile();
    await loop.reconcile();
    expect(loop.events.filter((event) => event === 'Warning RecordMissing')).toHaveLength(1);
    expect(loop.vanished).toBe(1);
  });
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
