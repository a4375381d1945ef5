import { describe, expect, test } from '@jest/globals';
import { goodManifest } from '../../../support/bad-manifests.ts';
import { leftoversOf } from '../leftovers/stage.ts';
import { Loop } from './loop.ts';
import { MemoryStore } from './memory-store.ts';

const NEVER = new AbortController().signal;

/** The target promises, falls silent, and is left for gpu-c, where the set runs. */
async function leftBehind(): Promise<Loop> {
  const { spec, ...manifest } = goodManifest();
  const recovery = { retries: 0, fallbackNodeNames: ['gpu-c'] };
  const whole = { ...spec, strategy: { mode: 'StopCopy' }, recovery };
  const loop = new Loop(new MemoryStore({ ...manifest, spec: whole }));
  const obey = loop.target.command.bind(loop.target);
  loop.target.command = async (request) => {
    const reply = await obey(request);
    if (request.command.kind !== 'verify') return reply;
    loop.target.silent = true;
    return obey(request);
  };
  for (let turn = 0; turn < 200 && loop.source.node.agent?.session.phase !== 'Released'; turn += 1)
    await loop.run(1);
  expect(loop.fallback.node.phase).toBe('Active');
  expect(loop.phase).toBe('Releasing');
  return loop;
}

const statusOf = (loop: Loop) => loop.store.stored!.status;
const condition = (loop: Loop) => statusOf(loop).conditions.find(({ type }) => type === 'TargetNotFreed');

/** Lets this much time pass on the loop's clock, or until it has ended. */
async function pass(loop: Loop, ms: number): Promise<void> {
  const until = loop.clock.now() + ms;
  while (loop.clock.now() < until && statusOf(loop).completedAt === undefined) await loop.run(1);
}

/** Rounds of the leftovers until nothing is asked after any more. */
async function freed(loop: Loop): Promise<void> {
  const { leftovers } = leftoversOf(loop);
  leftovers.note(loop.store.stored!);
  for (let round = 0; round < 4; round += 1) await leftovers.round(NEVER);
  expect(leftovers.size).toBe(0);
}

describe('a target that was left and cannot be discarded', () => {
  test.each([
    ['does not answer', () => undefined],
    [
      'cannot use its journal',
      (loop: Loop) => {
        const journal = { code: 'JournalRefused', message: 'a file cannot be read', device: null };
        const obey = loop.target.command.bind(loop.target);
        loop.target.silent = false;
        loop.target.command = async (request) => {
          const header = { ...request.header, fence: 0, sequence: 0 };
          const reply = await obey({ ...request, header });
          return reply.kind === 'session' ? { ...reply, refusal: journal } : reply;
        };
      },
    ],
    [
      'refuses',
      (loop: Loop) => {
        const refusal = { code: 'IllegalPhase', message: 'not now', device: null };
        const obey = loop.target.command.bind(loop.target);
        loop.target.silent = false;
        loop.target.command = async (request) => {
          const reply = await obey({ ...request, command: { kind: 'attach' } } as typeof request);
          return reply.kind === 'session' ? { ...reply, refusal } : reply;
        };
      },
    ],
  ] as const)('since it %s holds the end up for 5 minutes, which then names it', async (_, befall) => {
    const loop = await leftBehind();
    const obey = loop.target.command.bind(loop.target);
    befall(loop);
    await pass(loop, 240_000);
    expect(statusOf(loop).completedAt).toBeUndefined();
    await pass(loop, 120_000);
    expect(statusOf(loop)).toMatchObject({ phase: 'Succeeded', decision: { value: 'Commit' } });
    expect(condition(loop)).toMatchObject({
      status: 'True',
      reason: 'NoAnswer',
      message: expect.stringContaining('gpu-b'),
    });
    expect(loop.events).toContain('Warning TargetNotFreed');
    expect(loop.target.node.phase).toBe('Verified');

    loop.target.command = obey;
    loop.target.silent = false;
    await freed(loop);
    expect(loop.target.node.phase).toBe('Discarded');
    expect(condition(loop)).toBeUndefined();
    expect(statusOf(loop).phase).toBe('Succeeded');
  });

  test('holds a deletion up no longer', async () => {
    const loop = await leftBehind();
    loop.store.requestDeletion();
    await pass(loop, 360_000);
    await loop.run(3);
    expect(statusOf(loop).phase).toBe('Succeeded');
    expect(loop.store.stored?.finalizerPresent).toBe(false);
  });

  test('is waited for again by an operator that has only begun to', async () => {
    const loop = await leftBehind();
    await pass(loop, 240_000);
    const other = new Loop(loop.store, 'operator-2', loop);
    await pass(other, 240_000);
    expect(statusOf(other).completedAt).toBeUndefined();
    other.target.silent = false;
    await pass(other, 60_000);
    expect(other.target.node.phase).toBe('Discarded');
    expect(statusOf(other).phase).toBe('Succeeded');
    expect(condition(other)).toBeUndefined();
  });
});

describe('what a target that was left is told', () => {
  test('is Abort, since Commit would end whatever workload runs there by now', async () => {
    const loop = await leftBehind();
    const told: unknown[] = [];
    const obey = loop.target.command.bind(loop.target);
    loop.target.command = (request) => {
      told.push(request.command);
      return obey(request);
    };
    loop.target.node.workload = 'running';
    loop.target.node.restart();
    loop.target.silent = false;
    await pass(loop, 60_000);
    expect(told).toEqual([{ kind: 'discard', decision: 'Abort' }]);
    expect(loop.target.node.phase).toBe('Discarded');
    expect(loop.target.node.workload).toBe('running');
  });

  test('is Commit again when another version has told it so before', async () => {
    const loop = await leftBehind();
    const header = { uid: 'uid-1', fence: statusOf(loop).fence, sequence: 1, operator: 'operator-1' };
    loop.target.node.send({ kind: 'discard', decision: 'Commit' }, header);
    expect(loop.target.node.phase).toBe('Discarding');
    loop.target.silent = false;
    await pass(loop, 60_000);
    expect(loop.target.node.phase).toBe('Discarded');
    expect(statusOf(loop).phase).toBe('Succeeded');
  });

  test('is no more than a question when it runs although nobody told it to', async () => {
    const loop = await leftBehind();
    loop.target.silent = false;
    const { fence } = statusOf(loop);
    const header = { uid: 'uid-1', fence, sequence: 1, operator: 'operator-1' };
    loop.target.node.send({ kind: 'activate', decision: 'Commit' }, header);
    await pass(loop, 600_000);
    expect(statusOf(loop).completedAt).toBeUndefined();
    expect(statusOf(loop).conditions).toContainEqual(
      expect.objectContaining({ type: 'Stalled', reason: 'RecordRegressed' }),
    );
  });
});
