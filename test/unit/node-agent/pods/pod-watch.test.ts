import { expect, test } from '@jest/globals';
import { readList } from '@transship/node-agent/internal/pods/listed';
import type { ListedDevice } from '@transship/node-agent/internal/pods/listed';
import { PodWatch } from '@transship/node-agent/internal/pods/pod-watch';
import { ManualClock, settle } from '../support/manual-clock.ts';
import { recordingLog } from '../support/recording-log.ts';

const podsOf = (...names: readonly string[]): readonly ListedDevice[] =>
  readList({
    podResources: names.map((name) => ({
      namespace: 'ml',
      name,
      containers: [{ devices: [{ resourceName: 'a.com/b', deviceIds: ['0'] }], dynamicResources: [] }],
    })),
  });

/** A watch whose calls are answered by hand. */
function watching() {
  const clock = new ManualClock();
  const log = recordingLog();
  const calls: PromiseWithResolvers<readonly ListedDevice[]>[] = [];
  const watch = new PodWatch(
    () => {
      const call = Promise.withResolvers<readonly ListedDevice[]>();
      calls.push(call);
      return call.promise;
    },
    clock,
    log,
  );
  return { clock, log, calls, watch };
}

test('whoever asks within a second shares an answer, and later ones get a new one', async () => {
  const { clock, calls, watch } = watching();
  const both = Promise.all([watch.look(), watch.look()]);
  calls[0]?.resolve(podsOf('a'));
  const [first, second] = await both;
  expect(first).toEqual({ known: true, listed: podsOf('a') });
  expect(second).toBe(first);
  await clock.advance(1_000);
  expect(await watch.look()).toBe(first);
  await clock.advance(1);
  const later = watch.look();
  await settle();
  calls[1]?.resolve(podsOf('b'));
  expect(await later).toEqual({ known: true, listed: podsOf('b') });
  expect(calls).toHaveLength(2);
});

test('an answer to a question of long ago is not told to those who ask now', async () => {
  const { clock, calls, watch } = watching();
  const early = watch.look();
  await clock.advance(2_000);
  const late = watch.look();
  calls[0]?.resolve(podsOf('a'));
  expect(await early).toMatchObject({ known: true, listed: podsOf('a') });
  await settle();
  calls[1]?.resolve(podsOf('b'));
  expect(await late).toMatchObject({ known: true, listed: podsOf('b') });
});

test('nobody waits for ever, and what was known is not told again', async () => {
  const { clock, calls, watch } = watching();
  const known = watch.look();
  calls[0]?.resolve(podsOf('a'));
  await known;
  await clock.advance(1_001);
  const asked = watch.look();
  await clock.advance(6_000);
  expect(await asked).toEqual({ known: false, message: 'the kubelet has not answered in time' });
  expect(calls).toHaveLength(2);
});

test('a failure is told as one, once in the log, and so is that it is over', async () => {
  const { clock, log, calls, watch } = watching();
  const ended = new AbortController();
  const running = watch.run(ended.signal);
  for (const outcome of ['no socket', 'no socket', 'well', 'well']) {
    const before = calls.length;
    await clock.advance(5_000);
    expect(calls.length).toBe(before + 1);
    if (outcome === 'well') calls.at(-1)?.resolve([]);
    else calls.at(-1)?.reject(new Error(outcome));
    await settle();
  }
  expect(log.lines).toMatchObject([{ level: 'warn', facts: { error: 'no socket' } }, { level: 'info' }]);
  ended.abort();
  await running;
});

test('a failure is no answer for longer than an answer is', async () => {
  const { clock, calls, watch } = watching();
  const failing = watch.look();
  calls[0]?.reject(new Error('no socket'));
  expect(await failing).toEqual({ known: false, message: 'no socket' });
  expect(await watch.look()).toEqual({ known: false, message: 'no socket' });
  await clock.advance(1_001);
  const again = watch.look();
  await settle();
  calls[1]?.resolve(podsOf('a'));
  expect(await again).toMatchObject({ known: true });
});
