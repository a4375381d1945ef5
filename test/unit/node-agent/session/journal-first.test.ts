import { describe, expect, test } from '@jest/globals';
import type { Phase } from '@transship/node-agent/internal/core/phase';
import { decodeRecord } from '@transship/node-agent/internal/journal/record';
import { endedStreams, totalsOf } from '../../../support/core-facts.ts';
import { AgentInMemory } from '../support/agent-in-memory.ts';
import { FakeDevice } from '../support/fake-device.ts';
import { settle } from '../support/manual-clock.ts';

/** What the journal must say on disk before an operation reaches a device: nothing else explains it after a crash. */
const EXPLAINED_BY: Readonly<Record<string, Readonly<Record<string, readonly Phase[]>>>> = {
  source: {
    'arc PreCopy': ['PreCopying', 'Unquiescing', 'RollingBack', 'Prepared', 'PreCopy'],
    'arc StopCopy': ['Stopping'],
    'arc Stop': ['Stopping', 'RollingBack', 'Releasing'],
    'arc Running': ['PreCopying', 'Unquiescing', 'RollingBack', 'Restarting'],
    reset: ['RollingBack', 'Restarting', 'Releasing'],
  },
  target: {
    reset: ['Preparing', 'Discarding'],
    'arc Resuming': ['Preparing'],
    'arc Stop': ['Preparing', 'Verifying'],
    'arc RunningP2P': ['Preparing', 'Activating'],
    'arc Running': ['Starting'],
  },
};

class WatchedAgent {
  readonly agent: AgentInMemory;
  readonly role: 'source' | 'target';
  /** Operations that the record on disk did not explain. */
  readonly unexplained: string[] = [];
  readonly seen = new Set<string>();
  /** Phases that were told before they were on disk. */
  readonly toldTooEarly: string[] = [];

  constructor(role: 'source' | 'target', devices: readonly FakeDevice[]) {
    this.role = role;
    this.agent = new AgentInMemory(devices);
    for (const device of devices) device.onOperation = (operation) => this.#check(operation);
  }

  get onDisk(): { phase: Phase; generation: number; promised: number } | null {
    const contents = this.agent.disk.files.get('/state/uid-1.session');
    if (contents === undefined) return null;
    const decoded = decodeRecord(contents);
    if (!decoded.ok) return null;
    const { phase, generation, promised } = decoded.record.session;
    return { phase, generation, promised: promised.length };
  }

  /** Sends a command and compares what is answered with what is on disk at that moment. */
  async send(...[role, command]: Parameters<AgentInMemory['send']>): Promise<void> {
    const { session, refusal } = await this.agent.send(role, command, 0);
    expect(refusal).toBeNull();
    if (session.phase !== this.onDisk?.phase) this.toldTooEarly.push(session.phase);
    await settle();
  }

  #check(operation: string): void {
    const explaining = EXPLAINED_BY[this.role]?.[operation];
    if (explaining === undefined) return;
    this.seen.add(operation);
    const phase = this.onDisk?.phase;
    if (phase === undefined || !explaining.includes(phase)) this.unexplained.push(`${operation} in ${phase}`);
  }
}

const two = (): FakeDevice[] => [FakeDevice.healthy('a/0'), FakeDevice.healthy('a/1')];
const STOP = { kind: 'stop', generation: 1 } as const;
const QUIESCE = { kind: 'quiesce', timeoutMs: 60_000, waitOnTimeout: false } as const;

async function stoppedSource(devices = two()): Promise<WatchedAgent> {
  const source = new WatchedAgent('source', devices);
  await source.agent.prepareSource();
  await source.send('source', { kind: 'preCopy', generation: 1 });
  await source.send('source', QUIESCE);
  await source.send('source', STOP);
  source.agent.streams.saves[0]?.listener.onProgress(endedStreams(totalsOf(2, 1)));
  await settle();
  return source;
}

async function verifiedTarget(): Promise<WatchedAgent> {
  const target = new WatchedAgent('target', two());
  await target.agent.prepareTarget();
  await settle();
  target.agent.freezer.now = 'frozen';
  target.agent.streams.loads[0]?.listener.onProgress(endedStreams(totalsOf(2, 1)));
  await settle();
  await target.send('target', { kind: 'verify', generation: 1, expected: totalsOf(2, 1) });
  return target;
}

describe('nothing reaches a device before the journal explains it on disk', () => {
  test('at a source that is moved', async () => {
    const source = await stoppedSource();
    expect(source.onDisk).toEqual({ phase: 'Stopped', generation: 1, promised: 5 });
    await source.send('source', { kind: 'release', decision: 'Commit' });
    expect(source).toMatchObject({ unexplained: [], toldTooEarly: [], onDisk: { phase: 'Released' } });
    expect([...source.seen].toSorted()).toEqual(['arc PreCopy', 'arc Stop', 'arc StopCopy', 'reset']);
  });

  test('at a source that rolls back', async () => {
    const source = await stoppedSource([
      FakeDevice.healthy('a/0'),
      FakeDevice.failingAt('a/1', 'RunningP2P'),
    ]);
    await source.send('source', { kind: 'rollBack', decision: 'Abort' });
    expect(source).toMatchObject({ unexplained: [], toldTooEarly: [], onDisk: { phase: 'RolledBack' } });
  });

  test('at a target that is activated', async () => {
    const target = await verifiedTarget();
    expect(target.onDisk).toMatchObject({ phase: 'Verified', generation: 1 });
    await target.send('target', { kind: 'activate', decision: 'Commit' });
    expect(target).toMatchObject({ unexplained: [], toldTooEarly: [], onDisk: { phase: 'Active' } });
    expect([...target.seen].toSorted()).toEqual(Object.keys(EXPLAINED_BY['target'] ?? {}).toSorted());
  });

  test('at a target that is given up', async () => {
    const target = await verifiedTarget();
    await target.send('target', { kind: 'discard', decision: 'Abort' });
    expect(target).toMatchObject({ unexplained: [], toldTooEarly: [], onDisk: { phase: 'Discarded' } });
  });
});

describe('a promise', () => {
  test('is told only when it is on disk', async () => {
    const source = await stoppedSource();
    expect(source.agent.registry.runners[0]?.snapshot.phase).toBe('Stopped');
    expect(source.onDisk?.phase).toBe('Stopped');
  });

  test('that finds no space is not told, and an agent that is killed then has not made it', async () => {
    const source = new WatchedAgent('source', two());
    await source.agent.prepareSource();
    await source.send('source', QUIESCE);
    await source.send('source', STOP);
    source.agent.disk.broken = true;
    source.agent.streams.saves[0]?.listener.onProgress(endedStreams(totalsOf(2, 1)));
    await settle();
    expect(source.agent.registry.runners[0]?.snapshot.phase).toBe('Stopping');

    source.agent.registry.stop();
    source.agent.disk.broken = false;
    const after = new AgentInMemory(source.agent.devices, source.agent.freezer, source.agent.disk);
    await after.registry.recover();
    expect(after.session()).toMatchObject({
      phase: 'Stopping',
      promised: [],
      error: { code: 'AgentRestarted' },
    });
    // The streams are gone with the process: only another generation can make the promise now.
    const again = await after.sendAs({ fence: 2, sequence: 1 }, 'source', STOP);
    expect(again.refusal).toMatchObject({ code: 'IllegalPhase' });
    await settle();
    expect(after.streams.saves).toEqual([]);
    const next = await after.sendAs({ fence: 2, sequence: 2 }, 'source', { ...STOP, generation: 2 });
    expect(next.refusal).toBeNull();
    await settle();
    expect(after.streams.saves.map(({ order }) => order.generation)).toEqual([2]);
    expect(after.devices.map(({ state }) => state)).toEqual(['StopCopy', 'StopCopy']);
  });
});
