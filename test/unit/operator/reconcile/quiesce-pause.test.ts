import { describe, expect, test } from '@jest/globals';
import { QuiescePause } from '@transship/operator/internal/reconcile/quiesce-pause';
import { goodManifest } from '../../../support/bad-manifests.ts';
import { next, PLAN, source, target } from '../core/fixture.ts';
import { Loop } from './loop.ts';
import { MemoryStore } from './memory-store.ts';

const LIMITS = { firstMs: 2_000, capMs: 20_000 };
const after = (quiesceTimeouts: number) => ({
  source: { kind: 'session', session: source('PreCopy', { quiesceTimeouts }), refusal: null } as const,
});

/** How long each pause lasts, to 100 ms, when a set times out again as soon as it may be quiesced. */
function pauses(random: () => number, count: number): number[] {
  const pause = new QuiescePause(random);
  const lengths: number[] = [];
  let now = 0;
  for (let timeouts = 1; timeouts <= count; timeouts += 1) {
    const began = now;
    while (pause.look(after(timeouts), LIMITS, now)) now += 100;
    lengths.push(now - began);
  }
  return lengths;
}

describe('the pause after a quiesce that timed out', () => {
  test('doubles from the timeout on, and is never longer than pre-copy may be', () => {
    expect(pauses(() => 1, 6)).toEqual([2_000, 4_000, 8_000, 16_000, 20_000, 20_000]);
  });

  test('is drawn from the upper half', () => {
    expect(pauses(() => 0, 6)).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  });

  test('is there for a process that took the set over, as long as the series is', () => {
    const pause = new QuiescePause(() => 1);
    expect(pause.look(after(4), LIMITS, 0)).toBe(true);
    expect(pause.look(after(4), LIMITS, 15_900)).toBe(true);
    expect(pause.look(after(4), LIMITS, 16_000)).toBe(false);
  });

  test('is not there before a quiesce has timed out, nor for an agent that does not answer', () => {
    const pause = new QuiescePause();
    expect(pause.look(after(0), LIMITS, 0)).toBe(false);
    expect(pause.look({ source: { kind: 'unattached' } }, LIMITS, 0)).toBe(false);
  });
});

test.each(['PreCopy', 'Prepared'] as const)('a source at %s is not quiesced while it lasts', (phase) => {
  const given = { preCopyDone: true, plan: { ...PLAN, preCopy: phase === 'PreCopy' } };
  const ready = [source(phase), target('Loading')] as const;
  expect(next(...ready, { ...given, quiescePauses: true }).kind).toBe('wait');
  expect(next(...ready, given)).toMatchObject({ kind: 'commandSource', command: { kind: 'quiesce' } });
});

test('a set that cannot be quiesced is tried seldom, works most of the time, and moves once it can be', async () => {
  const manifest = goodManifest();
  const strategy = { mode: 'StopCopy', onDeadline: 'Wait', quiesceTimeout: '2s', preCopyTimeout: '60s' };
  const loop = new Loop(new MemoryStore({ ...manifest, spec: { ...manifest.spec, strategy } }));
  const command = loop.source.command.bind(loop.source);
  let isBusy = true;
  loop.source.command = (request) => {
    loop.source.stuck = request.command.kind === 'quiesce' && isBusy ? [0] : [];
    const answer = command(request);
    if (loop.source.stuck.length > 0) {
      loop.source.node.event({ kind: 'quiesceDeadline' });
      loop.source.node.settle();
    }
    return answer;
  };
  const began = loop.clock.now();
  while (loop.clock.now() - began < 300_000) await loop.run(1);
  const tries = loop.source.heard.filter((heard) => heard === 'quiesce').length;
  // 300 s hold pauses of 2, 4, 8, 16, 32 and 60 s, or of half of each.
  expect(tries).toBeGreaterThanOrEqual(5);
  expect(tries).toBeLessThanOrEqual(13);
  isBusy = false;
  await loop.run(200);
  expect(loop.phase).toBe('Succeeded');
});
