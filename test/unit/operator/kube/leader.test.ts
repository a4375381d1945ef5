import { beforeEach, describe, expect, test } from '@jest/globals';
import { LeaderElector } from '@transship/operator/internal/kube/leader';
import type { Lease, LeaseClient, LeaseSpec } from '@transship/operator/internal/kube/lease';

import { ManualClock, settle } from '../support/manual-clock.ts';
import { RecordLog } from '../support/record-log.ts';

/** A Lease in memory with the API server's compare-and-swap, and a switch that makes it fail. */
class MemoryLease implements Pick<LeaseClient, 'read' | 'create' | 'replace'> {
  lease: Lease | null = null;
  failing = false;

  async read(): Promise<Lease | null> {
    this.#work();
    return this.lease === null ? null : structuredClone(this.lease);
  }

  async create(spec: LeaseSpec): Promise<Lease> {
    this.#work();
    if (this.lease !== null) throw new Error('409 AlreadyExists');
    return (this.lease = { metadata: { name: 'lease', resourceVersion: '1' }, spec });
  }

  async replace(read: Lease, spec: LeaseSpec): Promise<Lease> {
    this.#work();
    const current = this.lease?.metadata.resourceVersion;
    if (current !== read.metadata.resourceVersion) throw new Error('409 Conflict');
    const resourceVersion = String(Number(current) + 1);
    return (this.lease = { metadata: { name: 'lease', resourceVersion }, spec: { ...read.spec, ...spec } });
  }

  #work(): void {
    if (this.failing) throw new Error('no answer');
  }
}

let lease: MemoryLease;
let clock: ManualClock;
let stop: AbortController;

beforeEach(() => {
  lease = new MemoryLease();
  clock = new ManualClock();
  stop = new AbortController();
});

const candidate = (identity: string) =>
  new LeaderElector(lease as unknown as LeaseClient, identity, clock, new RecordLog());

/** What a promise has come to so far. */
function watchResult<Result>(promise: Promise<Result>): { value: Result | null } {
  const seen: { value: Result | null } = { value: null };
  void promise.then((value) => (seen.value = value));
  return seen;
}

async function lead(identity: string) {
  const elector = candidate(identity);
  expect(await elector.acquire(stop.signal)).toBe(true);
  return { elector, held: watchResult(elector.hold(stop.signal)) };
}

describe('leader election', () => {
  test('takes a Lease that nobody holds, and keeps it by renewing', async () => {
    const { elector, held } = await lead('a');
    expect(lease.lease?.spec).toMatchObject({
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      leaseTransitions: 0,
      renewTime: '2026-01-01T00:00:00.000000Z',
    });
    await clock.advance(60_000);
    expect(elector.leading).toBe(true);
    expect(held.value).toBeNull();
    expect(lease.lease?.spec.acquireTime).toBe('2026-01-01T00:00:00.000000Z');
    expect(lease.lease?.spec.renewTime).not.toBe('2026-01-01T00:00:00.000000Z');
  });

  test('leaves a Lease that is renewed to its holder', async () => {
    await lead('a');
    const b = candidate('b');
    const acquired = watchResult(b.acquire(stop.signal));
    await clock.advance(120_000);
    expect(acquired.value).toBeNull();
    expect(b.leading).toBe(false);
  });

  test('takes a Lease over that has not changed for 15 s since it was first seen, and not sooner', async () => {
    lease.lease = {
      metadata: { name: 'lease', resourceVersion: '7' },
      spec: { holderIdentity: 'dead', renewTime: '2001-01-01T00:00:00.000000Z', leaseTransitions: 4 },
    };
    const b = candidate('b');
    const acquired = watchResult(b.acquire(stop.signal));
    await clock.advance(14_900);
    expect(acquired.value).toBeNull();
    await clock.advance(3_000);
    expect(acquired.value).toBe(true);
    expect(lease.lease.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 5 });
  });

  test('is lost when the Lease could not be renewed for 10 s, before anybody else may take it', async () => {
    const { elector, held } = await lead('a');
    const b = candidate('b');
    const acquired = watchResult(b.acquire(stop.signal));
    await clock.advance(5_000);
    lease.failing = true;
    await clock.advance(7_000);
    expect(held.value).toBeNull();
    await clock.advance(5_500);
    expect(held.value).toBe('lost');
    expect(elector.leading).toBe(false);
    expect(acquired.value).toBeNull();
  });

  test('survives failures that are shorter', async () => {
    const { held } = await lead('a');
    for (let round = 0; round < 5; round += 1) {
      lease.failing = true;
      await clock.advance(5_000);
      lease.failing = false;
      await clock.advance(3_000);
    }
    expect(held.value).toBeNull();
  });

  test('is lost at once when the Lease turns out to be held by another', async () => {
    const { held } = await lead('a');
    lease.lease = { metadata: { name: 'lease', resourceVersion: '99' }, spec: { holderIdentity: 'b' } };
    await clock.advance(2_500);
    expect(held.value).toBe('lost');
    expect(lease.lease.spec.holderIdentity).toBe('b');
  });

  test('is known to be stale the moment a stopped process goes on, before any of its timers runs', async () => {
    const { elector, held } = await lead('a');
    clock.jump(11_000);
    expect(elector.leading).toBe(false);
    await clock.advance(1);
    expect(held.value).toBe('lost');
  });

  test('gives the Lease back when told to stop, so that the next one need not wait', async () => {
    const { held } = await lead('a');
    stop.abort();
    await settle();
    expect(held.value).toBe('released');
    expect(lease.lease?.spec.holderIdentity).toBe('');
    const b = candidate('b');
    expect(await b.acquire(new AbortController().signal)).toBe(true);
  });

  test('gives a Lease back that it was still taking when it was told to stop', async () => {
    const taken = lease.create.bind(lease);
    lease.create = async (spec) => {
      await taken(spec);
      stop.abort();
      throw new Error('no answer');
    };
    expect(await candidate('a').acquire(stop.signal)).toBe(false);
    expect(lease.lease?.spec.holderIdentity).toBe('');
  });

  test('gives the Lease back when it is told to stop while renewals fail', async () => {
    const { held } = await lead('a');
    await clock.advance(1_000);
    const read = lease.read.bind(lease);
    lease.read = async () => {
      // The answer takes longer than the Lease is held for, and the order to stop comes meanwhile.
      clock.jump(11_000);
      stop.abort();
      lease.read = read;
      throw new Error('no answer');
    };
    await clock.advance(3_000);
    expect(held.value).toBe('released');
    expect(lease.lease?.spec.holderIdentity).toBe('');
  });

  test('does not take a Lease away that another took meanwhile, when told to stop', async () => {
    await lead('a');
    lease.lease = { metadata: { name: 'lease', resourceVersion: '99' }, spec: { holderIdentity: 'b' } };
    stop.abort();
    await settle();
    expect(lease.lease.spec.holderIdentity).toBe('b');
  });

  test('goes to one of two that reach for it in the same moment', async () => {
    const results = [candidate('a'), candidate('b')].map((elector) => {
      const acquired = elector.acquire(stop.signal);
      void acquired.then(() => elector.hold(stop.signal));
      return watchResult(acquired);
    });
    await clock.advance(60_000);
    expect(results.filter(({ value }) => value === true)).toHaveLength(1);
  });

  test('ends its waiting when aborted', async () => {
    await lead('a');
    const waiting = new AbortController();
    const acquired = watchResult(candidate('b').acquire(waiting.signal));
    await clock.advance(4_000);
    waiting.abort();
    await settle();
    expect(acquired.value).toBe(false);
  });
});
