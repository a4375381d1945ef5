import { createHook } from 'node:async_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, test } from '@jest/globals';
import { status } from '@grpc/grpc-js';
import type { sendUnaryData, ServerDuplexStream, ServerReadableStream } from '@grpc/grpc-js';
import { MAX_PIECE_BYTES } from '@transship/node-agent/internal/workload/freezer';
import type { DirtyMemory, SaveOrder } from '@transship/node-agent/internal/workload/freezer';
import { HookedClients } from '../support/hooked-clients.ts';

/** As far as these tests look at them. */
interface SaveMessage {
  readonly begin?: { savingId: string; pass: string; incremental: boolean };
  readonly dirty?: { device: string; iova: string; length: string; pageSize: string; bitmap: Buffer };
  readonly dirtyUnknown?: { device: string; reason: string };
}
interface LoadMessage {
  readonly begin?: { savingId: string };
  readonly data?: Buffer;
}
type Save = ServerDuplexStream<SaveMessage, { data?: Buffer; pendingBytes?: number }>;
type Load = ServerReadableStream<LoadMessage, unknown>;

const hooks = new HookedClients();
const hookOf = hooks.of.bind(hooks);
const never = new AbortController().signal;

afterEach(() => hooks.close());

async function* of(...memory: DirtyMemory[]): AsyncGenerator<DirtyMemory, void> {
  yield* memory;
}

/** How many of these are still held by somebody. */
async function held(things: readonly WeakRef<object>[]): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  // What was looked at stays until the turn ends.
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  return things.filter((thing) => thing.deref() !== undefined).length;
}

/** Every promise that is made while `act` runs. */
async function promisesOf(act: () => Promise<void>): Promise<WeakRef<object>[]> {
  const promises: WeakRef<object>[] = [];
  const hook = createHook({
    init: (_id, type, _trigger, promise) => void (type === 'PROMISE' && promises.push(new WeakRef(promise))),
  }).enable();
  await act().finally(() => hook.disable());
  return promises;
}

const order = (change: Partial<SaveOrder> = {}): SaveOrder => ({
  savingId: 'uid-1/1',
  pass: 'final',
  incremental: false,
  dirty: of(),
  signal: never,
  onPending: () => undefined,
  ...change,
});

async function collect(pieces: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  return all;
}

describe('saving', () => {
  test('tells the pass and what devices have written, then takes the pieces and the estimate', async () => {
    const heard: SaveMessage[] = [];
    const hook = await hookOf({
      save: (call: Save) => {
        call.on('data', (message: SaveMessage) => heard.push(message));
        call.on('end', () => {
          call.write({ pendingBytes: 7 });
          call.write({ data: Buffer.from('one '), pendingBytes: 3 });
          call.write({ data: Buffer.from('two') });
          call.end();
        });
      },
    });
    const pending: number[] = [];
    const bitmap = Buffer.from([0b101]);
    const dirty = of(
      { kind: 'pages', device: 'a/0', iova: 1n << 63n, length: 12288n, pageSize: 4096, bitmap },
      { kind: 'unknown', device: 'a/1', reason: 'no log' },
    );
    const pieces = await collect(
      hook.save(order({ incremental: true, dirty, onPending: (bytes) => pending.push(bytes) })),
    );
    expect(pieces.map(String)).toEqual(['one ', 'two']);
    expect(pending).toEqual([7, 3, 0]);
    expect(heard).toMatchObject([
      { begin: { savingId: 'uid-1/1', pass: 'SAVE_PASS_FINAL', incremental: true } },
      {
        dirty: {
          device: 'name of a/0',
          iova: '9223372036854775808',
          length: '12288',
          pageSize: '4096',
          bitmap,
        },
      },
      { dirtyUnknown: { device: 'name of a/1', reason: 'no log' } },
    ]);
  });

  test('holds a workload back that is faster than what takes its state', async () => {
    const piece = Buffer.alloc(MAX_PIECE_BYTES, 7);
    let written = 0;
    const hook = await hookOf({
      save: (call: Save) => {
        call.resume();
        const more = (): void => {
          while (written < 72) {
            written += 1;
            if (!call.write({ data: piece })) {
              call.once('drain', more);
              return;
            }
          }
          call.end();
        };
        call.on('end', more);
      },
    });
    const pieces = hook.save(order())[Symbol.asyncIterator]();
    await pieces.next();
    await new Promise((resolve) => setTimeout(resolve, 300));
    // What the flow control lets go, and what a server of Node holds itself.
    expect(written).toBeLessThan(56);
    let taken = 1;
    while ((await pieces.next()).done !== true) taken += 1;
    expect(taken).toBe(72);
  });

  test('lets go of every piece that was taken, while the pass goes on', async () => {
    const hook = await hookOf({
      save: (call: Save) => {
        call.resume();
        const more = (left: number): void => {
          if (left > 0) call.write({ data: Buffer.alloc(MAX_PIECE_BYTES) }, () => more(left - 1));
        };
        call.on('end', () => more(32));
      },
    });
    const pieces = hook.save(order())[Symbol.asyncIterator]();
    const taken: WeakRef<object>[] = [];
    while (taken.length < 32) taken.push(new WeakRef((await pieces.next()).value as Buffer));
    // The last may be in the hands of the generator.
    expect(await held(taken)).toBeLessThan(4);
    await pieces.return?.();
  });

  test('fails when the workload fails while it is not being listened to', async () => {
    const [failed, resume] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const hook = await hookOf({
      save: (call: Save) => {
        call.once('data', () => {
          call.emit('error', { code: status.INTERNAL, details: 'disk' });
          setTimeout(() => failed.resolve(), 100);
        });
      },
    });
    async function* slow(): AsyncGenerator<DirtyMemory, void> {
      await resume.promise;
      yield* of();
    }
    const all = collect(hook.save(order({ dirty: slow() })));
    await failed.promise;
    resume.resolve();
    await expect(all).rejects.toThrow('INTERNAL: disk');
  });

  test.each<[string, string, (call: Save) => void]>([
    [
      'sends too much at once',
      'RESOURCE_EXHAUSTED',
      (call) => void call.write({ data: Buffer.alloc(2 << 20) }),
    ],
    [
      'dies',
      'Save of the workload hook at',
      (call) => void call.write({ data: Buffer.alloc(9) }, () => hooks.die()),
    ],
    [
      'refuses',
      'FAILED_PRECONDITION: refused: not frozen',
      (call) => void call.emit('error', { code: status.FAILED_PRECONDITION, details: 'not frozen' }),
    ],
    [
      'fails in the middle',
      'INTERNAL: disk',
      (call) =>
        void call.write({ data: Buffer.alloc(9) }, () =>
          call.emit('error', { code: status.INTERNAL, details: 'disk' }),
        ),
    ],
    ['stalls', 'no progress within 100 ms', (call) => void call.write({ data: Buffer.alloc(9) })],
    ['never begins', 'no progress within 100 ms', () => undefined],
  ])('fails when the workload %s', async (_name, message, act) => {
    const hook = await hookOf(
      {
        save: (call: Save) => {
          call.on('error', () => undefined);
          call.resume();
          call.on('end', () => act(call));
        },
      },
      { stall: message.includes('100 ms') ? 100 : 60_000 },
    );
    await expect(collect(hook.save(order()))).rejects.toThrow(message);
  });

  test('ends with its signal, and tells the workload', async () => {
    const cancelled = Promise.withResolvers<void>();
    const hook = await hookOf({
      save: (call: Save) => {
        call.resume();
        call.on('cancelled', () => cancelled.resolve());
        call.write({ data: Buffer.from('x') });
      },
    });
    const ending = new AbortController();
    const pieces = hook.save(order({ signal: ending.signal }))[Symbol.asyncIterator]();
    await pieces.next();
    ending.abort();
    await expect(pieces.next()).rejects.toThrow('aborted');
    await expect(cancelled.promise).resolves.toBeUndefined();
  });
});

describe('loading', () => {
  test('gives the workload its state in order and waits until it is in place', async () => {
    const heard: LoadMessage[] = [];
    const hook = await hookOf({
      load: (call: Load, done: sendUnaryData<unknown>) => {
        call.on('data', (message: LoadMessage) => heard.push(message));
        call.on('end', () => done(null, { state: 'STATE_FROZEN', bytes: 7 }));
      },
    });
    const load = hook.load('uid-1/1', never);
    await load.write(Buffer.from('one '));
    await load.write(Buffer.from('two'));
    await load.finish();
    expect(heard[0]).toMatchObject({ begin: { savingId: 'uid-1/1' } });
    expect(Buffer.concat(heard.slice(1).map(({ data }) => data ?? Buffer.alloc(0))).toString()).toBe(
      'one two',
    );
  });

  test('waits for a workload that is slow', async () => {
    let letGo = (): void => undefined;
    const hook = await hookOf({
      load: (call: Load, done: sendUnaryData<unknown>) => {
        letGo = () => void call.resume();
        call.on('end', () => done(null, { state: 'STATE_FROZEN', bytes: 72 * MAX_PIECE_BYTES }));
      },
    });
    const load = hook.load('uid-1/1', never);
    const piece = Buffer.alloc(MAX_PIECE_BYTES, 7);
    let written = 0;
    const all = (async () => {
      for (; written < 72; written += 1) await load.write(piece);
      await load.finish();
    })();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(written).toBeLessThan(56);
    letGo();
    await all;
    expect(written).toBe(72);
  });

  test.each<[string, string, (call: Load, done: sendUnaryData<unknown>) => void]>([
    [
      'refuses',
      'FAILED_PRECONDITION: refused: no such format',
      (_call, done) => done({ code: status.FAILED_PRECONDITION, details: 'no such format' }),
    ],
    [
      'answers too early',
      'it answered before it had been sent everything',
      (_call, done) => done(null, { state: 'STATE_FROZEN', bytes: 0 }),
    ],
    [
      'has lost bytes',
      'it took 3 bytes of the 4 that were sent',
      (call, done) => void call.resume().on('end', () => done(null, { state: 'STATE_FROZEN', bytes: 3 })),
    ],
    [
      'runs afterwards',
      'it is STATE_RUNNING afterwards, not FROZEN',
      (call, done) => void call.resume().on('end', () => done(null, { state: 'STATE_RUNNING', bytes: 4 })),
    ],
    ['dies', 'Load of the workload hook at', (call) => void call.once('data', () => hooks.die())],
    ['takes nothing', 'no progress within 100 ms', () => undefined],
    ['never answers', 'no progress within 100 ms', (call) => void call.resume()],
  ])('fails when the workload %s', async (name, message, act) => {
    const patience = message.includes('100 ms') ? { stall: 100, loaded: 100 } : {};
    const hook = await hookOf(
      {
        load: (call: Load, done: sendUnaryData<unknown>) => {
          call.on('error', () => undefined);
          act(call, done);
        },
      },
      patience,
    );
    const load = hook.load('uid-1/1', never);
    const all = (async () => {
      const big = message.includes('100 ms') ? 16 : 0;
      for (let at = 0; at < big; at += 1) await load.write(Buffer.alloc(MAX_PIECE_BYTES));
      await load.write(Buffer.from('four'));
      // There is always more, until the answer has come.
      while (name === 'answers too early') {
        await new Promise((resolve) => setImmediate(resolve));
        await load.write(Buffer.from('more'));
      }
      await load.finish();
    })();
    await expect(all).rejects.toThrow(message);
  });

  test('keeps nothing of a message that was taken, while the load goes on', async () => {
    const hook = await hookOf({ load: (call: Load) => void call.resume() });
    const ending = new AbortController();
    const load = hook.load('uid-1/1', ending.signal);
    await load.write(Buffer.from('first'));
    const promises = await promisesOf(async () => {
      for (let at = 0; at < 100; at += 1) await load.write(Buffer.from('piece'));
    });
    expect(promises.length).toBeGreaterThan(100);
    expect(await held(promises)).toBeLessThan(50);
    ending.abort();
  });

  test('that was ended is heard of by the workload', async () => {
    const [heard, cancelled] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const hook = await hookOf({
      load: (call: Load) => {
        call.on('data', () => heard.resolve());
        call.on('cancelled', () => cancelled.resolve());
      },
    });
    const ending = new AbortController();
    const load = hook.load('uid-1/1', ending.signal);
    await load.write(Buffer.from('x'));
    await heard.promise;
    ending.abort();
    await cancelled.promise;
    await expect(load.write(Buffer.from('y'))).rejects.toThrow('aborted');
  });
});
