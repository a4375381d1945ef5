import { describe, expect, test } from '@jest/globals';
import { DeviceWatch } from '@transship/node-agent/internal/session/device-watch';
import { AgentInMemory } from '../support/agent-in-memory.ts';
import { FakeDevice, fakeDevices } from '../support/fake-device.ts';
import { FakeFreezer } from '../support/fake-freezer.ts';
import { settle } from '../support/manual-clock.ts';

const PRE_COPY = { kind: 'preCopy', generation: 1 } as const;
const QUIESCE = { kind: 'quiesce', timeoutMs: 5_000, waitOnTimeout: false } as const;

const pair = (): [FakeDevice, FakeDevice] => [FakeDevice.healthy('a/0'), FakeDevice.healthy('a/1')];

describe('a session', () => {
  test('is durable before an effect runs and before anybody is answered', async () => {
    const agent = new AgentInMemory(pair());
    await agent.prepareSource();
    agent.happened.length = 0;
    const letGo = agent.disk.hold();
    let isAnswered = false;
    const answer = agent.send('source', PRE_COPY).then((reply) => {
      isAnswered = true;
      return reply;
    });
    await settle();
    expect({ isAnswered, happened: agent.happened }).toEqual({ isAnswered: false, happened: [] });
    expect(agent.session()?.phase).toBe('Prepared');
    letGo();
    await answer;
    await settle();
    expect(agent.happened[0]).toBe('journal durable');
    expect(agent.happened).toContain('a/0 arc PreCopy');
    expect(agent.session()?.phase).toBe('PreCopy');
  });

  test('answers an equal command again without acting again', async () => {
    const agent = new AgentInMemory(pair());
    await agent.prepareSource();
    await agent.sendAs({ fence: 1, sequence: 7 }, 'source', PRE_COPY);
    await settle();
    agent.happened.length = 0;
    const { refusal, session } = await agent.sendAs({ fence: 1, sequence: 7 }, 'source', PRE_COPY);
    await settle();
    expect({ refusal, phase: session.phase }).toEqual({ refusal: null, phase: 'PreCopy' });
    expect(agent.happened).toEqual([]);
  });

  test.each([
    ['a lower fence', { fence: 1, sequence: 99 }, 'StaleFence'],
    ['a lower sequence', { fence: 2, sequence: 1 }, 'StaleSequence'],
    [
      'an equal fence from another operator',
      { fence: 2, sequence: 99, operator: 'operator-2' },
      'FenceConflict',
    ],
  ])('refuses %s and does nothing', async (_name, header, code) => {
    const agent = new AgentInMemory(pair());
    await agent.prepareSource();
    await agent.sendAs({ fence: 2, sequence: 5 }, 'source', { kind: 'attach' });
    agent.happened.length = 0;
    const { refusal } = await agent.sendAs(header, 'source', PRE_COPY);
    await settle();
    expect(refusal?.code).toBe(code);
    expect(agent.happened).toEqual([]);
  });

  test('waits for its device as long as it takes, tells that it is stuck, and never asks twice', async () => {
    const device = FakeDevice.blockingAt('a/0', 'PreCopy');
    const agent = new AgentInMemory([device]);
    await agent.prepareSource();
    await agent.send('source', PRE_COPY);
    await agent.clock.advance(999);
    expect(agent.registry.runners[0]?.snapshot.devices[0]?.stuck).toBe(false);
    await agent.clock.advance(1);
    expect(agent.registry.runners[0]?.snapshot.devices[0]?.stuck).toBe(true);
    await agent.send('source', PRE_COPY);
    await agent.clock.advance(60_000);
    expect(device.operations).toEqual(['arc PreCopy']);
    device.release();
    await settle();
    const snapshot = agent.registry.runners[0]?.snapshot;
    expect(snapshot).toMatchObject({ phase: 'PreCopy', devices: [{ state: 'PreCopy', stuck: false }] });
  });

  test('measures the time of each operation from its own beginning', async () => {
    const device = FakeDevice.blockingAt('a/0', 'PreCopyP2P');
    const agent = new AgentInMemory([device]);
    await agent.prepareSource();
    await agent.send('source', PRE_COPY);
    await agent.clock.advance(600);
    await agent.send('source', QUIESCE);
    await agent.clock.advance(600);
    // 1200 ms after the first operation began, but 600 after the one that is out.
    const isStuck = (): boolean | undefined => agent.registry.runners[0]?.snapshot.devices[0]?.stuck;
    expect(isStuck()).toBe(false);
    await agent.clock.advance(400);
    expect(isStuck()).toBe(true);
    device.release();
  });

  test('holds the reply back until it has settled, or for as long as it was asked to', async () => {
    const device = FakeDevice.blockingAt('a/0', 'PreCopy');
    const agent = new AgentInMemory([device]);
    await agent.prepareSource();
    let reply: { settled: boolean } | null = null;
    void agent.send('source', PRE_COPY, 500).then(({ session }) => {
      reply = session;
    });
    await agent.clock.advance(499);
    expect(reply).toBeNull();
    await agent.clock.advance(1);
    expect(reply).toMatchObject({ settled: false, phase: 'PreCopying' });

    const settled = agent.send('source', { kind: 'attach' }, 10_000);
    await settle();
    device.release();
    await expect(settled).resolves.toMatchObject({ session: { settled: true, phase: 'PreCopy' } });
  });

  test('tries a journal that cannot be written until it can, and lets nothing happen meanwhile', async () => {
    const agent = new AgentInMemory(pair());
    await agent.prepareSource();
    agent.disk.broken = true;
    agent.happened.length = 0;
    const answer = agent.send('source', PRE_COPY);
    await agent.clock.advance(1_000);
    expect(agent.happened).toEqual([]);
    expect(agent.log.lines.map(({ message }) => message)).toContain('the journal cannot be written');
    agent.disk.broken = false;
    await agent.clock.advance(5_000);
    await expect(answer).resolves.toMatchObject({ refusal: null });
    expect(agent.session()?.phase).toBe('PreCopy');
  });

  test('answers that it is unavailable when its journal cannot be written for long', async () => {
    const agent = new AgentInMemory(pair());
    agent.disk.broken = true;
    const answer = agent.prepareSource().catch((error: unknown) => error);
    await agent.clock.advance(5_000);
    expect(await answer).toMatchObject({ name: 'SessionUnavailable' });
    expect(agent.session()).toBeNull();
  });

  test('never does a command that it was unavailable for, also when there is space again', async () => {
    const agent = new AgentInMemory(pair());
    await agent.prepareSource();
    agent.happened.length = 0;
    agent.disk.broken = true;
    const answers = [agent.send('source', PRE_COPY), agent.send('source', PRE_COPY)];
    const refused = Promise.allSettled(answers);
    await agent.clock.advance(5_000);
    expect((await refused).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    agent.disk.broken = false;
    await agent.clock.advance(60_000);
    expect(agent.happened).toEqual([]);
    expect(agent.session()?.phase).toBe('Prepared');
    // The next one finds the session as it was.
    expect(await agent.send('source', PRE_COPY)).toMatchObject({ refusal: null });
    await settle();
    expect(agent.session()?.phase).toBe('PreCopy');
  });

  test('drops a command that was given up while its devices were looked at', async () => {
    const device = FakeDevice.healthy('a/0');
    const agent = new AgentInMemory([device]);
    await agent.prepareSource();
    agent.happened.length = 0;
    const answers = Promise.withResolvers<void>();
    const observe = device.observe.bind(device);
    device.observe = () => answers.promise.then(observe);
    const answer = agent.send('source', PRE_COPY).catch((error: unknown) => error);
    await agent.clock.advance(5_000);
    expect(await answer).toMatchObject({ name: 'SessionUnavailable' });
    answers.resolve();
    await settle();
    expect(agent.happened).toEqual([]);
    expect(agent.session()?.phase).toBe('Prepared');
  });

  test('does not say that nothing was done of a command that it gave up while it was being written', async () => {
    const agent = new AgentInMemory(pair());
    await agent.prepareSource();
    const letGo = agent.disk.hold();
    const answer = agent.send('source', PRE_COPY).catch((error: unknown) => error);
    await agent.clock.advance(5_000);
    const said = await answer;
    expect(said).toMatchObject({ name: 'SessionUnavailable' });
    expect((said as Error).message).toContain('may not have been done');
    expect((said as Error).message).not.toContain('nothing was done');
    letGo();
    await settle();
    expect(agent.session()?.phase).toBe('PreCopy');
  });

  test('goes on with a command whose record may be on the disk already, for a crash would', async () => {
    const agent = new AgentInMemory(pair());
    await agent.prepareSource();
    agent.disk.unsynced = true;
    const answer = agent.send('source', PRE_COPY).catch((error: unknown) => error);
    await agent.clock.advance(5_000);
    expect(await answer).toMatchObject({ name: 'SessionUnavailable' });
    expect(agent.session()?.phase).toBe('Prepared');
    agent.disk.unsynced = false;
    await agent.clock.advance(5_000);
    expect(agent.session()?.phase).toBe('PreCopy');
  });

  test('takes what happens to its devices once there is space again', async () => {
    const device = FakeDevice.blockingAt('a/0', 'PreCopy');
    const agent = new AgentInMemory([device]);
    await agent.prepareSource();
    await agent.send('source', PRE_COPY);
    agent.disk.broken = true;
    device.release();
    await agent.clock.advance(600_000);
    expect(agent.session()?.phase).toBe('PreCopying');
    agent.disk.broken = false;
    await agent.clock.advance(10_000);
    expect(agent.session()?.phase).toBe('PreCopy');
  });

  test('ends at once while a device call blocks, and takes no result after it', async () => {
    const device = FakeDevice.blockingAt('a/0', 'PreCopy');
    const agent = new AgentInMemory([device]);
    await agent.prepareSource();
    const waiting = agent.send('source', PRE_COPY, 60_000);
    await settle();
    agent.registry.stop();
    await expect(waiting).resolves.toMatchObject({ session: { phase: 'PreCopying' } });
    agent.happened.length = 0;
    device.release();
    await settle();
    expect(agent.happened).toEqual([]);
    await expect(agent.send('source', PRE_COPY)).rejects.toMatchObject({ name: 'SessionUnavailable' });
  });

  test('gives a failing arc the state that the device was left in', async () => {
    const agent = new AgentInMemory([FakeDevice.failingAt('a/0', 'PreCopy')]);
    await agent.prepareSource();
    const { session } = await agent.send('source', PRE_COPY, 1_000);
    expect(session).toMatchObject({
      phase: 'RolledBack',
      error: { code: 'ArcFailed', device: 'a/0' },
      devices: [{ state: 'Running', lost: false }],
    });
  });

  test('thaws a workload whose devices do not quiesce in time', async () => {
    const device = FakeDevice.blockingAt('a/0', 'RunningP2P');
    const agent = new AgentInMemory([device]);
    await agent.prepareSource();
    await agent.send('source', QUIESCE);
    await settle();
    expect(agent.freezer.now).toBe('frozen');
    await agent.clock.advance(5_000);
    expect(agent.freezer.now).toBe('running');
    device.release();
    await agent.clock.advance(0);
    expect(agent.session()).toMatchObject({ phase: 'RolledBack', error: { code: 'QuiesceTimeout' } });
  });

  test('reports a workload that cannot be frozen and rolls back', async () => {
    const agent = new AgentInMemory(pair(), FakeFreezer.failingTo('freeze'));
    await agent.prepareSource();
    const { session } = await agent.send('source', QUIESCE, 1_000);
    expect(session).toMatchObject({ phase: 'RolledBack', error: { code: 'FreezeFailed' } });
  });

  test('ends its streams before a device leaves its saving session', async () => {
    const agent = new AgentInMemory(pair());
    await agent.prepareSource();
    await agent.send('source', PRE_COPY, 1_000);
    agent.happened.length = 0;
    await agent.send('source', { kind: 'rollBack', decision: 'Undecided' }, 1_000);
    const ended = agent.happened.indexOf('save ended');
    expect(ended).toBeGreaterThanOrEqual(0);
    expect(ended).toBeLessThan(agent.happened.indexOf('a/0 arc Running'));
  });

  test('tells observers what is new, the present first, and orders it by version', async () => {
    const agent = new AgentInMemory(pair());
    const gone = new AbortController();
    const seen: [number, number, string][] = [];
    const watching = (async () => {
      for await (const { fence, version, phase } of agent.registry.watch('uid-1', 'source', gone.signal)) {
        seen.push([fence, version, phase]);
      }
    })();
    await settle();
    expect(seen).toEqual([[0, 0, 'Fenced']]);
    await agent.prepareSource();
    await settle();
    await agent.send('source', PRE_COPY, 1_000);
    await settle();
    gone.abort();
    await watching;
    expect(seen.at(-1)?.[2]).toBe('PreCopy');
    const versions = seen.map(([, version]) => version);
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    expect(new Set(versions).size).toBe(versions.length);
  });

  test('loads only after the workload expects a state, and not at all when it does not', async () => {
    const good = new AgentInMemory(pair());
    await good.prepareTarget();
    await settle();
    expect(good.happened.at(-1)).toBe('load 1');
    expect(good.freezer.calls).toEqual(['expect']);

    const bad = new AgentInMemory(pair(), FakeFreezer.failingTo('expect'));
    await bad.prepareTarget();
    await settle();
    expect(bad.happened).not.toContain('load 1');
    expect(bad.session()?.error?.code).toBe('WorkloadFailed');
  });

  test('withholds a device whose RESET fails', async () => {
    const agent = new AgentInMemory([FakeDevice.failingReset('b/0')]);
    await agent.prepareTarget();
    await settle();
    expect(agent.session()).toMatchObject({
      error: { code: 'ResetFailed' },
      devices: [{ quarantined: true }],
    });
    expect(agent.registry.whyQuarantined('b/0')).toMatchObject({ code: 'ResetFailed', uid: 'uid-1' });
    const { refusal } = await agent.prepareSource('uid-2');
    expect(refusal?.code).toMatch(/DeviceBusy|DeviceNotMigratable/);
  });
});

test('nothing piles up in a session whose journal cannot be written', async () => {
  const device = FakeDevice.blockingAt('a/0', 'PreCopy');
  const agent = new AgentInMemory([device, FakeDevice.healthy('a/1')]);
  await agent.prepareSource();
  const [runner] = agent.registry.runners;
  if (runner === undefined) throw new Error('there is no session');
  let queued = 0;
  const postLater = runner.postLater.bind(runner);
  runner.postLater = (make) => {
    queued += 1;
    postLater(make);
  };
  agent.disk.broken = true;
  const answer = agent.send('source', PRE_COPY).catch((error: unknown) => error);
  await settle();
  const watch = new DeviceWatch(agent.registry, fakeDevices(...agent.devices), agent.clock);
  for (let second = 0; second < 50; second += 1) {
    runner.post({ kind: 'operatorLost' });
    runner.post({ kind: 'streams', generation: 1, streams: [] });
    await watch.look();
  }
  // One of each kind, and one look at each of the two devices.
  expect(queued).toBeLessThanOrEqual(4);
  agent.disk.broken = false;
  await agent.clock.advance(10_000);
  await answer;
  device.release();
  await agent.clock.advance(1_000);
  expect(agent.session()).toMatchObject({ error: { code: 'OperatorLost' } });
});
