import { afterEach, describe, expect, test } from '@jest/globals';
import { status } from '@grpc/grpc-js';
import type { sendUnaryData, UntypedServiceImplementation } from '@grpc/grpc-js';
import { WorkloadGone } from '@transship/node-agent/internal/workload/freezer';
import type { Holding } from '@transship/node-agent/internal/workload/holding';
import { HookFreezer } from '@transship/node-agent/internal/workload/hook-freezer';
import { HookedClients } from '../support/hooked-clients.ts';

type Unary = (call: { request: unknown }, done: sendUnaryData<unknown>) => void;

const hooks = new HookedClients();
const hookOf = hooks.of.bind(hooks);

afterEach(() => hooks.close());

const answering =
  (reply: object): Unary =>
  (_call, done) =>
    done(null, reply);
const refusing =
  (code: status, details: string): Unary =>
  (_call, done) =>
    done({ code, details });
const silent: Unary = () => undefined;

describe('orders to a workload', () => {
  test.each([
    ['freeze', 'freeze', 'STATE_FROZEN'],
    ['thaw', 'thaw', 'STATE_RUNNING'],
    ['discard', 'discard', 'STATE_ENDED'],
    ['discard', 'discard', 'STATE_INCOMING'],
  ] as const)('%s is obeyed when the hook says %s: %s', async (order, method, state) => {
    const hook = await hookOf({ [method]: answering({ state }) });
    await expect(hook[order]('uid-1')).resolves.toBeUndefined();
  });

  test('name the saving, and devices as the workload knows them', async () => {
    const heard: unknown[] = [];
    const hook = await hookOf({
      freeze: (({ request }, done) => {
        heard.push(request);
        done(null, { state: 'STATE_FROZEN' });
      }) satisfies Unary,
      thaw: (({ request }, done) => {
        heard.push(request);
        done(null, { state: 'STATE_RUNNING' });
      }) satisfies Unary,
      expectIncoming: (({ request }, done) => {
        heard.push(request);
        done(null, { state: 'STATE_INCOMING' });
      }) satisfies Unary,
      notifyDevicesReset: (({ request }, done) => {
        heard.push(request);
        done(null, { state: 'STATE_FROZEN' });
      }) satisfies Unary,
    });
    await hook.expect('uid-1/2');
    await hook.devicesReset(['a/0', 'a/1']);
    await hook.freeze('uid-1');
    await hook.thaw('uid-1');
    expect(heard).toEqual([
      { savingId: 'uid-1/2' },
      { devices: ['name of a/0', 'name of a/1'] },
      { savingId: 'uid-1' },
      { savingId: 'uid-1' },
    ]);
  });

  test.each<[string, string, UntypedServiceImplementation]>([
    [
      'are refused',
      'FAILED_PRECONDITION: refused: busy writing',
      { freeze: refusing(status.FAILED_PRECONDITION, 'busy writing') },
    ],
    [
      'are answered with nothing',
      'it is STATE_UNSPECIFIED afterwards, not FROZEN',
      { freeze: answering({}) },
    ],
    [
      'are not obeyed',
      'it is STATE_RUNNING afterwards, not FROZEN',
      { freeze: answering({ state: 'STATE_RUNNING' }) },
    ],
    [
      'are answered with a state of a later version',
      'it is 17 afterwards, not FROZEN',
      { freeze: answering({ state: 17 }) },
    ],
    ['are unknown there', 'UNIMPLEMENTED: what serves this socket has no such method', {}],
  ])('that %s reject and say so', async (_name, message, methods) => {
    const hook = await hookOf(methods);
    await expect(hook.freeze('uid-1')).rejects.toThrow(message);
  });

  test('that are not answered reject after their deadline', async () => {
    const hook = await hookOf({ freeze: silent }, { freeze: 50 });
    await expect(hook.freeze('uid-1')).rejects.toThrow('DEADLINE_EXCEEDED: no answer in time');
  });

  test('to nobody reject and name the socket', async () => {
    const hook = new HookFreezer({ socketPath: '/nonexistent/hook.sock' });
    await expect(hook.freeze('uid-1')).rejects.toThrow(
      'at /nonexistent/hook.sock: UNAVAILABLE: nobody serves',
    );
  });

  test('reach a hook that was started again', async () => {
    const hook = await hookOf({ thaw: answering({ state: 'STATE_RUNNING' }) });
    await hook.thaw('uid-1');
    await hook.thaw('uid-1');
    await expect(hook.state()).resolves.toBe('unknown');
  });
});

describe('a workload whose process is gone', () => {
  const nobody = { discard: silent, freeze: silent, thaw: silent, notifyDevicesReset: silent };
  afterEach(() => {
    hooks.holding = { kind: 'nobody' };
  });

  test('has ended, and can neither be frozen nor thawed nor told of anything', async () => {
    const hook = await hookOf(nobody);
    hooks.die();
    await expect(hook.discard()).resolves.toBeUndefined();
    await expect(hook.freeze('uid-1')).rejects.toBeInstanceOf(WorkloadGone);
    await expect(hook.thaw('uid-1')).rejects.toBeInstanceOf(WorkloadGone);
    await expect(hook.devicesReset(['a/0'])).rejects.toBeInstanceOf(WorkloadGone);
    expect(await hook.isGone()).toBe(true);
  });

  test('has ended too when its socket was taken away', async () => {
    const hook = new HookFreezer({ socketPath: '/nonexistent/hook.sock' });
    await expect(hook.discard()).resolves.toBeUndefined();
    await expect(hook.thaw('uid-1')).rejects.toBeInstanceOf(WorkloadGone);
  });

  test.each<[string, Holding, string]>([
    [
      'somebody holds its devices',
      { kind: 'held', by: 'process 7 (criu)' },
      'process 7 (criu) still has its devices, so it has not ended',
    ],
    [
      'nobody can tell who does',
      { kind: 'unknown', why: 'the broker is away' },
      'nobody can tell who has its devices (the broker is away), so it may not have ended',
    ],
  ])('has not ended for the agent while %s', async (_name, holding, message) => {
    const hook = await hookOf(nobody);
    hooks.die();
    hooks.holding = holding;
    await expect(hook.discard()).rejects.toThrow(message);
    expect(await hook.isGone()).toBe(false);
    for (const order of ['freeze', 'thaw'] as const) {
      const ordered = hook[order]('uid-1');
      await expect(ordered).rejects.toThrow(message);
      await expect(ordered).rejects.not.toBeInstanceOf(WorkloadGone);
    }
  });
});

describe('a workload that is there', () => {
  test('has not ended when it refuses or hangs', async () => {
    const refusal = await hookOf({ discard: refusing(status.FAILED_PRECONDITION, 'it runs') });
    await expect(refusal.discard()).rejects.toThrow('it runs');
    const hanging = await hookOf({ discard: silent }, { discard: 50 });
    await expect(hanging.discard()).rejects.toThrow('no answer in time');
    const waiting = await hookOf({ thaw: refusing(status.FAILED_PRECONDITION, 'it waits') });
    await expect(waiting.thaw('uid-1')).rejects.not.toBeInstanceOf(WorkloadGone);
    expect(await waiting.isGone()).toBe(false);
  });
});

describe('the state of a workload', () => {
  test.each([
    ['STATE_RUNNING', 'running'],
    ['STATE_FROZEN', 'frozen'],
    ['STATE_INCOMING', 'discarded'],
    ['STATE_ENDED', 'discarded'],
    ['STATE_UNSPECIFIED', 'unknown'],
    [23, 'unknown'],
  ])('that says %s is %s', async (state, seen) => {
    const hook = await hookOf({ getState: answering({ state }) });
    await expect(hook.state()).resolves.toBe(seen);
  });

  test('that does not answer is unknown', async () => {
    await expect((await hookOf({ getState: silent }, { state: 50 })).state()).resolves.toBe('unknown');
  });

  test('says whether nobody has answered yet or somebody will not', async () => {
    const answerOf = async (methods: UntypedServiceImplementation) => (await hookOf(methods)).ask();
    const late = await (await hookOf({ getState: silent }, { state: 50 })).ask();
    expect(late).toMatchObject({ state: 'unknown', trouble: { kind: 'silent' } });
    const nobody = await new HookFreezer({ socketPath: '/nonexistent/hook.sock' }).ask();
    expect(nobody).toMatchObject({ state: 'unknown', trouble: { kind: 'silent' } });
    for (const methods of [{}, { getState: answering({}) }, { getState: refusing(status.INTERNAL, 'no') }]) {
      expect(await answerOf(methods)).toMatchObject({ state: 'unknown', trouble: { kind: 'refused' } });
    }
    const well = await answerOf({ getState: answering({ state: 'STATE_FROZEN' }) });
    expect(well).toEqual({ state: 'frozen', trouble: null });
  });
});

describe('the description of a workload', () => {
  const describing = async (reply: object) => (await hookOf({ describe: answering(reply) })).describe();

  test('tells devices, wishes and memory', async () => {
    const dmaRanges = [{ iova: '18446744073709543424', length: '8192' }];
    await expect(
      describing({ devices: ['name of a/0', 'elsewhere'], livePass: true, dmaRanges, dmaPageSize: 4096 }),
    ).resolves.toEqual({
      devices: ['a/0', 'elsewhere'],
      livePass: true,
      dma: { ranges: [{ iova: 0xffff_ffff_ffff_e000n, length: 8192n }], pageSize: 4096 },
    });
    await expect(describing({})).resolves.toEqual({ devices: [], livePass: false, dma: null });
  });

  const range = (iova: number, length: number) => ({ iova, length });
  test.each<[string, object]>([
    ['is empty', { dmaRanges: [range(0, 0)], dmaPageSize: 4096 }],
    ['not made of pages', { dmaRanges: [range(0, 100)], dmaPageSize: 4096 }],
    ['not a power of two', { dmaRanges: [range(0, 4096)], dmaPageSize: 5000 }],
    ['not a power of two', { dmaRanges: [range(0, 4096)] }],
    ['overlap', { dmaRanges: [range(4096, 4096), range(0, 8192)], dmaPageSize: 4096 }],
    ['beyond', { dmaRanges: [{ iova: '18446744073709547520', length: 8192 }], dmaPageSize: 4096 }],
    ['257 dma_ranges', { dmaRanges: Array.from({ length: 257 }, () => range(0, 4096)), dmaPageSize: 4096 }],
    ['300 devices', { devices: Array.from({ length: 300 }, () => 'x') }],
  ])('is refused: %s', async (message, reply) => {
    await expect(describing(reply)).rejects.toThrow(message);
  });
});

test('a workload is known to have begun anew by the boot of its machine', async () => {
  const hook = new HookFreezer({ socketPath: '/nonexistent/hook.sock', boot: 'boot-2' });
  expect(await hook.beganAfter(['boot-1/broker/1/0', 'boot-2/broker/1/1'])).toBe(true);
  expect(await hook.beganAfter(['boot-2/broker/1/0'])).toBe(false);
  expect(await hook.beganAfter([''])).toBe(false);
  const untold = new HookFreezer({ socketPath: '/nonexistent/hook.sock' });
  expect(await untold.beganAfter(['boot-1/broker/1/0'])).toBe(false);
});
