import { describe, expect, test } from '@jest/globals';
import { goodManifest } from '../../../support/bad-manifests.ts';
import { Loop, type InstantAgent } from './loop.ts';
import { MemoryStore } from './memory-store.ts';

/** A set that goes to gpu-b, or else to gpu-c. */
function setOut(recovery: object = {}): Loop {
  const { spec, ...manifest } = goodManifest();
  const strategy = { mode: 'StopCopy' };
  const whole = { retries: 0, fallbackNodeNames: ['gpu-c'], ...recovery };
  return new Loop(new MemoryStore({ ...manifest, spec: { ...spec, strategy, recovery: whole } }));
}

/** The agent falls silent with this command; `obeyed`: it carries it out all the same. */
function silencedAt(agent: InstantAgent, command: string, obeyed: boolean): void {
  const obey = agent.command.bind(agent);
  agent.command = async (request) => {
    if (request.command.kind !== command) return obey(request);
    if (obeyed) await obey(request);
    agent.silent = true;
    return obey(request);
  };
}

/** Lets time pass until something is so. */
async function until(loop: Loop, isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 200 && !isSo(); turn += 1) await loop.run(1);
  expect(isSo()).toBe(true);
}

const status = (loop: Loop) => loop.store.stored?.status;
const conditions = (loop: Loop) => status(loop)?.conditions.map(({ type, reason }) => `${type} ${reason}`);

/** The source was frozen once and not thawed, and was not taken back to Running. */
function expectNeverThawed({ source }: Loop): void {
  expect(source.node.orders.filter((order) => order === 'freeze')).toHaveLength(1);
  expect(source.node.orders).not.toContain('thaw');
}

const started = ({ node }: InstantAgent): boolean => node.phases.some((phase) => phase === 'Activating');

describe.each([
  ['before its promise', 'verify', false],
  ['with its promise', 'verify', true],
] as const)('a target that falls silent %s', (_, command, obeyed) => {
  test('is left for the next node, from the source as it stands', async () => {
    const loop = setOut();
    silencedAt(loop.target, command, obeyed);
    await until(loop, () => loop.source.node.agent?.session.phase === 'Released');
    // The set runs, but what was left is not forgotten.
    expect(status(loop)).toMatchObject({
      phase: 'Releasing',
      fence: 2,
      decision: { value: 'Commit' },
      generation: 2,
      target: {
        nodeName: 'gpu-c',
        generation: 2,
        abandoned: [{ nodeName: 'gpu-b', code: 'AgentUnreachable' }],
      },
      devices: [{ target: 'gpu-c/0' }, { target: 'gpu-c/1' }],
    });
    expect(conditions(loop)).toContain('TargetReplaced FallbackNode');
    expect(loop.events).toContain('Warning FallbackNode');
    expect(loop.fallback.node.phase).toBe('Active');
    expect(loop.source.node.phase).toBe('Released');
    expectNeverThawed(loop);

    loop.target.silent = false;
    await loop.run(60);
    expect(loop.phase).toBe('Succeeded');
    expect(loop.target.node.phase).toBe('Discarded');
    expect(started(loop.target)).toBe(false);
    expect(loop.target.heard).not.toContain('activate');
  });

  test('does not hold up the end when its node is out of service', async () => {
    const loop = setOut();
    silencedAt(loop.target, command, obeyed);
    loop.outOfService.add('gpu-b');
    await loop.run(60);
    expect(loop.phase).toBe('Succeeded');
    expectNeverThawed(loop);
  });

  test('and comes back is discarded as well when the migration is deleted meanwhile', async () => {
    const loop = setOut();
    silencedAt(loop.target, command, obeyed);
    silencedAt(loop.fallback, 'prepare', true);
    await until(loop, () => loop.fallback.silent);
    loop.store.requestDeletion();
    loop.target.silent = false;
    loop.fallback.silent = false;
    await loop.run(60);
    expect(status(loop)).toMatchObject({ phase: 'Aborted', decision: { value: 'Abort' } });
    expect(loop.source.node.states).toEqual(['Running', 'Running']);
    expect(loop.source.node.workload).toBe('running');
    expect([loop.target, loop.fallback].map(({ node }) => node.phase)).toEqual(['Discarded', 'Discarded']);
    expect(started(loop.target)).toBe(false);
  });

  test.each([true, false])(
    'is left once, whatever becomes of the write that says so: %s',
    async (applied) => {
      const loop = setOut();
      silencedAt(loop.target, command, obeyed);
      await loop.run(4);
      expect(loop.target.silent).toBe(true);
      loop.store.upset = { write: 'fence', applied };
      await loop.run(60);
      expect(loop.store.upset).toBeNull();
      expect(status(loop)?.target?.abandoned).toHaveLength(1);
      expect(loop.fallback.node.phase).toBe('Active');
      expectNeverThawed(loop);
    },
  );

  test('is known to another operator that takes the migration up', async () => {
    const loop = setOut();
    silencedAt(loop.target, command, obeyed);
    silencedAt(loop.fallback, 'verify', true);
    await until(loop, () => loop.fallback.silent);
    expect(status(loop)).toMatchObject({ target: { nodeName: 'gpu-c' }, decision: { value: 'Undecided' } });
    loop.target.silent = false;
    const other = new Loop(loop.store, 'operator-2', loop);
    loop.fallback.silent = false;
    await other.run(60);
    expect(other.phase).toBe('Succeeded');
    expect(loop.fallback.node.phase).toBe('Active');
    expect(loop.target.node.phase).toBe('Discarded');
    expect(started(loop.target)).toBe(false);
  });
});

test('a target whose device cannot be reset is left, and keeps it in quarantine', async () => {
  const loop = setOut();
  const obey = loop.target.command.bind(loop.target);
  loop.target.command = (request) => {
    if (request.command.kind !== 'prepare') return obey(request);
    loop.target.node.send(request.command, request.header);
    loop.target.node.finish(1, 'refused');
    return obey({ ...request, header: { ...request.header, sequence: request.header.sequence } });
  };
  await loop.run(60);
  expect(status(loop)).toMatchObject({
    phase: 'Succeeded',
    target: { nodeName: 'gpu-c', abandoned: [{ nodeName: 'gpu-b', code: 'ResetFailed' }] },
  });
  expect(loop.target.node.view.devices.map(({ quarantined }) => quarantined)).toContain(true);
});

test('a node that does not fit is passed over before anything is ordered of it', async () => {
  const loop = setOut();
  loop.target.describes = (device) => ({ ...device, deviceId: 99 });
  await loop.run(60);
  expect(status(loop)).toMatchObject({
    phase: 'Succeeded',
    target: { nodeName: 'gpu-c', abandoned: [{ nodeName: 'gpu-b', code: 'PairingImpossible' }] },
  });
  expect(loop.target.heard).toEqual(['attach', 'discard']);
});

test('a fallback node that does not fit, and one that nobody knows, make room for the next', async () => {
  const loop = setOut({ fallbackNodeNames: ['gpu-x', 'gpu-c'] });
  loop.target.describes = (device) => ({ ...device, deviceId: 99 });
  loop.outOfService.add('gpu-x');
  await loop.run(90);
  expect(status(loop)).toMatchObject({
    phase: 'Succeeded',
    target: {
      nodeName: 'gpu-c',
      abandoned: [
        { nodeName: 'gpu-b', code: 'PairingImpossible' },
        { nodeName: 'gpu-x', code: 'AgentUnreachable' },
      ],
    },
  });
});

test('when the last node is used up, the set goes back to the source', async () => {
  const loop = setOut();
  for (const agent of [loop.target, loop.fallback])
    agent.describes = (device) => ({ ...device, deviceId: 99 });
  await loop.run(60);
  expect(status(loop)).toMatchObject({
    phase: 'Rejected',
    error: { code: 'PairingImpossible', message: expect.any(String) },
  });
  expect(loop.source.heard).not.toContain('prepare');
});

test('a source that is lost is no reason to try another node', async () => {
  const loop = setOut();
  loop.source.describes = (device) => ({ ...device, resetSupported: false });
  await loop.run(30);
  expect(status(loop)).toMatchObject({ phase: 'Rejected', error: { code: 'ResetUnsupported' } });
  expect(status(loop)?.target).toBeUndefined();
});

test('a target that dies while only the source is waited for is found out', async () => {
  const loop = setOut();
  // Nothing arrives at a target that is gone, so its source never gets through with its streams.
  const obey = loop.source.command.bind(loop.source);
  loop.source.command = async (request) => {
    if (request.command.kind === 'stop') {
      loop.target.silent = true;
      loop.source.heldUp = request.command.generation === 1 ? ['streams'] : [];
    }
    return obey(request);
  };
  await until(loop, () => status(loop)?.target?.nodeName === 'gpu-c');
  await until(loop, () => loop.fallback.node.agent?.session.phase === 'Active');
  expectNeverThawed(loop);
});
