import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { FINALIZER } from '@transship/crds';
import type { KubeMigrationStore } from '@transship/operator/internal/kube/store';
import type { StoredMigration, WriteOutcome } from '@transship/operator/internal/reconcile/ports';

import { ApiProxy } from './api-proxy.ts';
import { Cluster, expectEventually, read, START_DEADLINE_MS, storeFor, written } from './cluster.ts';

let cluster: Cluster;
let end: AbortController;

beforeAll(async () => {
  cluster = await Cluster.start();
}, START_DEADLINE_MS);

afterAll(() => cluster.stop());

beforeEach(() => {
  end = new AbortController();
});

afterEach(() => {
  end.abort();
});

describe('the store', () => {
  test('reads what has no status yet with every default, and nothing as null', async () => {
    const store = storeFor(cluster.adminConfig);
    const key = await cluster.createMigration('fresh');

    expect(await store.get(key, end.signal)).toMatchObject({
      key,
      deletionRequested: false,
      finalizerPresent: false,
      spec: { ok: true, value: { strategy: { mode: 'PreCopy', quiesceTimeout: '2s' } } },
      status: { fence: 0, phase: 'Pending', decision: { value: 'Undecided' } },
    });
    expect(await store.get({ namespace: 'default', name: 'nobody' }, end.signal)).toBeNull();
    expect(await store.get({ namespace: 'no-such-place', name: 'nobody' }, end.signal)).toBeNull();
  });

  test('does not take the 404 of a server that knows no DeviceMigrations for a missing object', async () => {
    const proxy = await ApiProxy.start(cluster.controlPlane.kubeconfig);
    try {
      const key = await cluster.createMigration('there');
      proxy.rewrite = (url) => url.replace('transship.dev/v1alpha1', 'transship.dev/v9');
      await expect(storeFor(proxy.kubeConfig).get(key, end.signal)).rejects.toMatchObject({
        httpStatus: 404,
      });
    } finally {
      await proxy.stop();
    }
  });

  test('lets one of two writers raise the fence, and refuses the other', async () => {
    const key = await cluster.createMigration('two-writers');
    const stores = [storeFor(cluster.adminConfig), storeFor(cluster.adminConfig)];
    const views = await Promise.all(stores.map((store) => read(store, key)));

    const outcomes = await Promise.all(
      stores.map((store, index) => store.raiseFence(views[index]!, `operator-${index}`, end.signal)),
    );

    expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual(['conflict', 'written']);
    const winner = outcomes.findIndex(({ kind }) => kind === 'written');
    const { status } = await read(stores[0]!, key);
    expect(status).toMatchObject({ fence: 1, operator: `operator-${winner}` });
  });

  test('refuses every write under a fence that somebody raised since', async () => {
    const key = await cluster.createMigration('stale-fence');
    const store = storeFor(cluster.adminConfig);
    const stale = written(await store.raiseFence(await read(store, key), 'old', end.signal));
    const current = written(await store.raiseFence(stale, 'new', end.signal));

    const outcomes = [
      await store.raiseFence(stale, 'old', end.signal),
      await store.recordStopping(stale, 'old', end.signal),
      await store.recordDecision(stale, 'Undecided', 'Commit', 'old', '', end.signal),
      await store.patchStatus(stale, { phase: 'Succeeded' }, end.signal),
      await store.addFinalizer(stale, end.signal),
      await store.removeFinalizer(stale, end.signal),
    ];

    expect(outcomes.map(({ kind }) => kind)).toEqual(outcomes.map(() => 'conflict'));
    expect(await read(store, key)).toEqual(current);
  });

  test('records stopping and each decision once', async () => {
    const key = await cluster.createMigration('decided');
    const store = storeFor(cluster.adminConfig);
    const taken = written(await store.raiseFence(await read(store, key), 'me', end.signal));
    const stopping = written(await store.recordStopping(taken, 'me', end.signal));
    expect(stopping.status.stopping).toMatchObject({ by: 'me' });
    expect(await store.recordStopping(taken, 'me', end.signal)).toEqual({ kind: 'conflict' });

    const reason = 'x'.repeat(5000);
    const commit = written(
      await store.recordDecision(stopping, 'Undecided', 'Commit', 'me', reason, end.signal),
    );
    expect(commit.status.decision).toMatchObject({ value: 'Commit', by: 'me' });
    for (const to of ['Commit', 'Abort'] as const) {
      expect(await store.recordDecision(stopping, 'Undecided', to, 'me', '', end.signal)).toEqual({
        kind: 'conflict',
      });
    }
    const revert = written(
      await store.recordDecision(commit, 'Commit', 'Revert', 'me', 'never started', end.signal),
    );
    expect(revert.status.decision).toMatchObject({ value: 'Revert', reason: 'never started' });
  });

  test('throws, and does not report a conflict, when the schema forbids a write whose tests hold', async () => {
    const key = await cluster.createMigration('forbidden');
    const store = storeFor(cluster.adminConfig);
    const taken = written(await store.raiseFence(await read(store, key), 'me', end.signal));

    await expect(
      store.recordDecision(taken, 'Undecided', 'Revert', 'me', '', end.signal),
    ).rejects.toMatchObject({
      httpStatus: 422,
      message: expect.stringContaining('decision is written once'),
    });
    await expect(store.patchStatus(taken, { progress: '200%' }, end.signal)).rejects.toMatchObject({
      httpStatus: 422,
    });
  });

  test('patches, keeps and removes fields of the status', async () => {
    const key = await cluster.createMigration('patched');
    const store = storeFor(cluster.adminConfig);
    const taken = written(await store.raiseFence(await read(store, key), 'me', end.signal));
    const first = written(
      await store.patchStatus(
        taken,
        { phase: 'PreCopy', progress: '10%', transfer: { bytes: 5, bytesPerSecond: 7 } },
        end.signal,
      ),
    );
    expect(first.status).toMatchObject({ phase: 'PreCopy', progress: '10%', transfer: { bytes: 5 } });

    const second = written(await store.patchStatus(first, { progress: null, downtime: null }, end.signal));
    expect(second.status.progress).toBeUndefined();
    expect(second.status).toMatchObject({ phase: 'PreCopy', fence: 1, operator: 'me' });
    expect(await store.patchStatus(second, {}, end.signal)).toEqual({ kind: 'written', stored: second });
  });

  test('adds its finalizer beside others, holds a deletion up with it, and lets go', async () => {
    const key = await cluster.createMigration('finalized');
    const store = storeFor(cluster.adminConfig);
    await cluster.kubectl([
      'patch',
      'dmig',
      key.name,
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":["a.b/c"]}}',
    ]);
    const before = await read(store, key);
    const held = written(await store.addFinalizer(before, end.signal));
    expect(held.finalizerPresent).toBe(true);
    expect(written(await store.addFinalizer(held, end.signal))).toMatchObject({ finalizerPresent: true });
    expect(await cluster.kubectl(['get', 'dmig', key.name, '-o', 'jsonpath={.metadata.finalizers}'])).toBe(
      JSON.stringify(['a.b/c', FINALIZER]),
    );

    await cluster.kubectl(['delete', 'dmig', key.name, '--wait=false']);
    const deleting = await read(store, key);
    expect(deleting.deletionRequested).toBe(true);
    const released = written(await store.removeFinalizer(deleting, end.signal));
    expect(released.finalizerPresent).toBe(false);
    expect(await store.addFinalizer(released, end.signal)).toEqual({ kind: 'conflict' });
    await cluster.kubectl([
      'patch',
      'dmig',
      key.name,
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":null}}',
    ]);
    expect(await store.get(key, end.signal)).toBeNull();
    expect(await store.removeFinalizer(released, end.signal)).toEqual({ kind: 'gone' });
  });

  test('takes a new object of the same name for another one', async () => {
    const key = await cluster.createMigration('replaced');
    const store = storeFor(cluster.adminConfig);
    const first = await read(store, key);
    await cluster.kubectl(['delete', 'dmig', key.name]);
    await cluster.createMigration(key.name);

    expect(await store.raiseFence(first, 'me', end.signal)).toEqual({ kind: 'gone' });
    expect(await store.addFinalizer(first, end.signal)).toEqual({ kind: 'gone' });
    expect((await read(store, key)).status.fence).toBe(0);
  });

  test('throws when the API server refuses connections, since nothing was sent', async () => {
    const key = await cluster.createMigration('unsent');
    const store = storeFor(cluster.adminConfig);
    const stored = await read(store, key);
    await cluster.controlPlane.killApiServer();
    try {
      await expect(storeFor(cluster.adminConfig).raiseFence(stored, 'me', end.signal)).rejects.toMatchObject({
        name: 'NoAnswerError',
        sent: false,
      });
    } finally {
      await cluster.controlPlane.restartApiServer();
    }
  });

  test('calls a write ambiguous when the API server stands still, and a fresh read tells what came of it', async () => {
    const key = await cluster.createMigration('paused');
    const store = storeFor(cluster.adminConfig, 10_000);
    const stored = await read(store, key);
    cluster.controlPlane.pauseApiServer();
    let outcome: WriteOutcome;
    try {
      outcome = await store.raiseFence(stored, 'me', end.signal);
    } finally {
      await cluster.controlPlane.resumeApiServer();
    }
    expect(outcome.kind).toBe('ambiguous');
    // It may have landed, and may land yet: then the raise conflicts once, and the record read after that has it.
    const after = storeFor(cluster.adminConfig);
    let next = await after.raiseFence(await read(after, key), 'next', end.signal);
    if (next.kind === 'conflict') next = await after.raiseFence(await read(after, key), 'next', end.signal);
    expect(written(next).status.operator).toBe('next');
    expect([1, 2]).toContain(written(next).status.fence);
  });
});

describe('a write that a proxy delays', () => {
  let proxy: ApiProxy;
  let store: KubeMigrationStore;

  beforeEach(async () => {
    proxy = await ApiProxy.start(cluster.controlPlane.kubeconfig);
    store = storeFor(proxy.kubeConfig);
  });

  afterEach(() => proxy.stop());

  /** Sends a write through the proxy, which keeps it back; the writer gives up waiting. */
  async function late(write: (signal: AbortSignal) => Promise<WriteOutcome>): Promise<void> {
    proxy.hold('PATCH');
    const patience = new AbortController();
    const outcome = write(patience.signal);
    await expectEventually(() => proxy.held === 1);
    patience.abort();
    expect((await outcome).kind).toBe('ambiguous');
  }

  const commitLate = (stored: StoredMigration): Promise<void> =>
    late((signal) => store.recordDecision(stored, 'Undecided', 'Commit', 'late', 'verified', signal));

  const lastAnswer = () => proxy.requests.findLast(({ method }) => method === 'PATCH')?.status;

  test('is recorded when nobody took the migration over meanwhile', async () => {
    const key = await cluster.createMigration('late-alone');
    const taken = written(await store.raiseFence(await read(store, key), 'late', end.signal));
    await commitLate(taken);

    await proxy.release();

    expect(lastAnswer()).toBe(200);
    expect((await read(store, key)).status.decision).toMatchObject({ value: 'Commit', by: 'late' });
  });

  test('is refused when it lands after somebody raised the fence', async () => {
    const key = await cluster.createMigration('late-fence');
    const direct = storeFor(cluster.adminConfig);
    const taken = written(await store.raiseFence(await read(store, key), 'late', end.signal));
    await commitLate(taken);
    written(await direct.raiseFence(await read(direct, key), 'next', end.signal));

    await proxy.release();

    expect(lastAnswer()).toBe(422);
    expect((await read(direct, key)).status).toMatchObject({ fence: 2, decision: { value: 'Undecided' } });
  });

  test('is refused when it is an end and the voyage has gone on meanwhile', async () => {
    const key = await cluster.createMigration('late-end');
    const direct = storeFor(cluster.adminConfig);
    const taken = written(await store.raiseFence(await read(store, key), 'late', end.signal));
    const rejected = { phase: 'Rejected', completedAt: '2026-01-01T00:00:00Z' } as const;
    await late((signal) => store.patchStatus(taken, rejected, signal));
    const stopping = written(await direct.recordStopping(taken, 'late', end.signal));

    await proxy.release();

    expect(lastAnswer()).toBe(422);
    expect(await read(direct, key)).toEqual(stopping);
  });

  test('is refused when it is a stop and the migration has ended', async () => {
    const key = await cluster.createMigration('late-stop');
    const direct = storeFor(cluster.adminConfig);
    const taken = written(await store.raiseFence(await read(store, key), 'late', end.signal));
    await late((signal) => store.recordStopping(taken, 'late', signal));
    const rejected = { phase: 'Rejected', completedAt: '2026-01-01T00:00:00Z' } as const;
    const ended = written(await direct.patchStatus(taken, rejected, end.signal));

    await proxy.release();

    expect(lastAnswer()).toBe(422);
    expect(await read(direct, key)).toEqual(ended);
  });

  test('is refused when it lands after its own writer recorded Abort', async () => {
    const key = await cluster.createMigration('late-abort');
    const direct = storeFor(cluster.adminConfig);
    const taken = written(await store.raiseFence(await read(store, key), 'late', end.signal));
    await commitLate(taken);
    written(await direct.recordDecision(taken, 'Undecided', 'Abort', 'late', 'QuiesceTimeout', end.signal));

    await proxy.release();

    expect(lastAnswer()).toBe(422);
    expect((await read(direct, key)).status.decision).toMatchObject({ value: 'Abort' });
  });
});
