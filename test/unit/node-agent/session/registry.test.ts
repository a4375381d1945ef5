import { describe, expect, test } from '@jest/globals';
import { DeviceWatch } from '@transship/node-agent/internal/session/device-watch';
import { watchOperator } from '@transship/node-agent/internal/session/operator-watch';
import { AgentInMemory } from '../support/agent-in-memory.ts';
import { FakeDevice, fakeDevices } from '../support/fake-device.ts';
import { FakeFreezer } from '../support/fake-freezer.ts';
import { settle } from '../support/manual-clock.ts';

const PRE_COPY = { kind: 'preCopy', generation: 1 } as const;

/** The same devices and disk under a new process. */
async function restarted(agent: AgentInMemory, freezer = agent.freezer): Promise<AgentInMemory> {
  agent.registry.stop();
  await settle();
  const next = new AgentInMemory(agent.devices, freezer, agent.disk);
  await next.registry.recover();
  await settle();
  return next;
}

describe('devices', () => {
  test('belong to one migration, also when two ask at the same time', async () => {
    const agent = new AgentInMemory([FakeDevice.healthy('a/0')]);
    const answers = await Promise.all([agent.prepareSource('uid-1'), agent.prepareSource('uid-2')]);
    expect(answers.map(({ refusal }) => refusal?.code ?? 'taken').toSorted()).toEqual([
      'DeviceBusy',
      'taken',
    ]);
  });

  test('are free again after the migration has rolled back', async () => {
    const agent = new AgentInMemory([FakeDevice.healthy('a/0')]);
    await agent.prepareSource('uid-1');
    await agent.send('source', { kind: 'rollBack', decision: 'Undecided' }, 1_000, 'uid-1');
    const { refusal } = await agent.prepareSource('uid-2');
    expect(refusal).toBeNull();
  });

  test('in a state that no journal explains are in quarantine: refused, never reset', async () => {
    const device = FakeDevice.healthy('a/0');
    device.state = 'Stop';
    const agent = new AgentInMemory([device]);
    await agent.registry.recover();
    expect(agent.registry.whyQuarantined('a/0')?.message).toContain('Stop');
    device.state = 'Running';
    const { refusal } = await agent.prepareSource();
    expect(refusal?.code).toBe('DeviceNotMigratable');
    expect(device.operations).toEqual([]);
  });

  test('that do not answer at the start are judged when they do', async () => {
    const device = FakeDevice.healthy('a/0');
    device.state = 'Unknown';
    const agent = new AgentInMemory([device]);
    await agent.registry.recover();
    expect(agent.registry.quarantined('a/0')).toBe(false);
    device.state = 'Resuming';
    await new DeviceWatch(agent.registry, fakeDevices(device), agent.clock).look();
    expect(agent.registry.quarantined('a/0')).toBe(true);
  });

  test('of a journalled session are explained, whatever their state', async () => {
    const agent = new AgentInMemory([FakeDevice.healthy('a/0')]);
    await agent.prepareTarget();
    await settle();
    const next = await restarted(agent);
    expect(next.devices[0]?.state).toBe('Resuming');
    expect(next.registry.quarantined('a/0')).toBe(false);
  });
});

describe('a restart', () => {
  test('before the stop turns the source round alone', async () => {
    const agent = new AgentInMemory([FakeDevice.healthy('a/0'), FakeDevice.healthy('a/1')]);
    await agent.prepareSource();
    await agent.send('source', PRE_COPY, 1_000);
    const next = await restarted(agent);
    expect(next.session()).toMatchObject({ phase: 'RolledBack', error: { code: 'AgentRestarted' } });
    expect(next.devices.map(({ state }) => state)).toEqual(['Running', 'Running']);
  });

  test('while loading waits for a new generation and changes nothing by itself', async () => {
    const agent = new AgentInMemory([FakeDevice.healthy('b/0')]);
    await agent.prepareTarget();
    await settle();
    const next = await restarted(agent);
    expect(next.session()).toMatchObject({ phase: 'Loading', error: { code: 'AgentRestarted' } });
    expect(next.happened.filter((event) => event.startsWith('b/0') || event.startsWith('load'))).toEqual([]);
  });

  test('finds a device that was reset meanwhile and calls its state lost', async () => {
    const agent = new AgentInMemory([FakeDevice.healthy('b/0')]);
    await agent.prepareTarget();
    await settle();
    await agent.devices[0]?.reset(null);
    const next = await restarted(agent);
    expect(next.session()?.devices[0]).toMatchObject({ lost: true });
  });

  test('keeps tombstones: a late command is answered and nothing is done', async () => {
    const agent = new AgentInMemory([FakeDevice.healthy('a/0')]);
    await agent.prepareSource();
    await agent.send('source', { kind: 'rollBack', decision: 'Undecided' }, 1_000);
    const next = await restarted(agent);
    const { session } = await next.sendAs({ fence: 9, sequence: 1 }, 'source', PRE_COPY);
    expect(session.phase).toBe('RolledBack');
    expect(next.happened.filter((event) => event.startsWith('a/0'))).toEqual([]);
  });

  test('on a journal file that cannot be used refuses its migration and keeps the file', async () => {
    const agent = new AgentInMemory([FakeDevice.healthy('a/0')]);
    await agent.prepareSource();
    agent.disk.files.set('/state/uid-1.session', Buffer.from('{"format":"trans'));
    const next = await restarted(agent);
    const { refusal, session } = await next.send('source', PRE_COPY);
    expect(refusal).toMatchObject({ code: 'JournalRefused' });
    expect(refusal?.message).toContain('/state/refused/uid-1.session');
    expect(session.fence).toBe(0);
    expect(next.disk.files.has('/state/refused/uid-1.session')).toBe(true);
    expect(next.log.lines.some(({ level }) => level === 'error')).toBe(true);
  });
});

describe('the device watch', () => {
  test('tells a session once that its device was reset behind its back', async () => {
    const device = FakeDevice.healthy('a/0');
    const agent = new AgentInMemory([device]);
    await agent.prepareSource();
    await agent.send('source', PRE_COPY, 1_000);
    device.life += 1;
    device.state = 'Running';
    const watch = new DeviceWatch(agent.registry, fakeDevices(device), agent.clock);
    await watch.look();
    await settle();
    expect(agent.session()).toMatchObject({
      phase: 'RolledBack',
      error: { code: 'DeviceStateLost', device: 'a/0' },
      devices: [{ lost: true }],
    });
  });

  test('tells a session that its device went away and came back as it was', async () => {
    const device = FakeDevice.healthy('a/0');
    const agent = new AgentInMemory([device]);
    await agent.prepareSource();
    await agent.send('source', PRE_COPY, 1_000);
    const watch = new DeviceWatch(agent.registry, fakeDevices(device), agent.clock);
    const runner = agent.registry.runners[0];
    device.state = 'Unknown';
    await watch.look();
    await settle();
    expect(runner?.snapshot.devices[0]).toMatchObject({ state: 'Unknown', lost: false });
    device.state = 'PreCopy';
    await watch.look();
    await settle();
    expect(runner?.snapshot.devices[0]).toMatchObject({ state: 'PreCopy', lost: false });
    expect(agent.session()?.phase).toBe('PreCopy');
  });

  test('does not ask a device that has an operation out', async () => {
    const device = FakeDevice.blockingAt('a/0', 'PreCopy');
    const agent = new AgentInMemory([device]);
    await agent.prepareSource();
    await agent.send('source', PRE_COPY);
    await settle();
    device.life += 1;
    await new DeviceWatch(agent.registry, fakeDevices(device), agent.clock).look();
    await settle();
    expect(agent.session()?.error).toBeNull();
    device.release();
  });
});

test('an observation of a device that was given an operation meanwhile is of no use', async () => {
  const device = FakeDevice.healthy('a/0');
  const agent = new AgentInMemory([device]);
  await agent.prepareSource();
  const { promise: late, resolve: answer } = Promise.withResolvers<void>();
  const before = await device.observe();
  const observe = device.observe.bind(device);
  device.observe = async () => {
    await late;
    return { ...before, incarnation: 'of a life before' };
  };
  const looking = new DeviceWatch(agent.registry, fakeDevices(device), agent.clock).look();
  await settle();
  device.observe = observe;
  await agent.send('source', PRE_COPY);
  await settle();
  answer();
  await looking;
  await settle();
  expect(agent.session()).toMatchObject({ phase: 'PreCopy', error: null, devices: [{ lost: false }] });
});

describe('the operator', () => {
  const watching = async (agent: AgentInMemory, ms: number): Promise<void> => {
    const stop = new AbortController();
    const watch = watchOperator(agent.registry, agent.clock, 60_000, stop.signal);
    await agent.clock.advance(ms);
    stop.abort();
    await watch;
  };

  test('that is silent for too long is given up, and the source rolls back', async () => {
    const agent = new AgentInMemory([FakeDevice.healthy('a/0')]);
    await agent.prepareSource();
    await agent.send('source', PRE_COPY, 1_000);
    await watching(agent, 59_000);
    expect(agent.session()?.phase).toBe('PreCopy');
    await watching(agent, 40_000);
    expect(agent.session()).toMatchObject({ phase: 'RolledBack', error: { code: 'OperatorLost' } });
  });

  test('that observes is there', async () => {
    const agent = new AgentInMemory([FakeDevice.healthy('a/0')]);
    await agent.prepareSource();
    const gone = new AbortController();
    const observer = agent.registry.watch('uid-1', 'source', gone.signal);
    await observer.next();
    await watching(agent, 600_000);
    expect(agent.session()?.phase).toBe('Prepared');
    gone.abort();
    await observer.next();
  });

  test('that only looks on while a set stands frozen is given up, and the workload runs', async () => {
    const workload = FakeFreezer.healthy();
    const agent = new AgentInMemory([FakeDevice.healthy('a/0')], workload);
    await agent.prepareSource();
    const gone = new AbortController();
    const observer = agent.registry.watch('uid-1', 'source', gone.signal);
    await observer.next();
    await agent.send('source', { kind: 'quiesce', timeoutMs: 5_000, waitOnTimeout: false }, 1_000);
    expect(agent.session()?.phase).toBe('Quiesced');
    await watching(agent, 59_000);
    expect(agent.session()?.phase).toBe('Quiesced');
    await watching(agent, 40_000);
    expect(agent.session()).toMatchObject({ phase: 'RolledBack', error: { code: 'OperatorLost' } });
    expect(await workload.state()).toBe('running');
    gone.abort();
    await observer.next();
  });

  test('is not waited for any more once the stop is journalled', async () => {
    const agent = new AgentInMemory([FakeDevice.healthy('a/0')]);
    await agent.prepareSource();
    await agent.send('source', { kind: 'quiesce', timeoutMs: 5_000, waitOnTimeout: false }, 1_000);
    await agent.send('source', { kind: 'stop', generation: 1 });
    await watching(agent, 600_000);
    expect(agent.session()?.phase).toBe('Stopping');
    expect(agent.devices[0]?.state).toBe('StopCopy');
  });
});

describe('ended sessions', () => {
  test('are forgotten after a week, and their file with them', async () => {
    const agent = new AgentInMemory([FakeDevice.healthy('a/0')], FakeFreezer.healthy());
    await agent.prepareSource();
    await agent.send('source', { kind: 'rollBack', decision: 'Undecided' }, 1_000);
    const stop = new AbortController();
    const collecting = agent.registry.collectDaily(stop.signal);
    await agent.clock.advance(6 * 24 * 60 * 60_000);
    expect(agent.disk.files.size).toBe(1);
    await agent.clock.advance(3 * 24 * 60 * 60_000);
    expect(agent.disk.files.size).toBe(0);
    expect(agent.registry.runners).toEqual([]);
    stop.abort();
    await collecting;
  });
});

test('a clock that jumps takes no tombstone with it at once', async () => {
  const agent = new AgentInMemory([FakeDevice.healthy('a/0')]);
  await agent.prepareSource();
  await agent.send('source', { kind: 'rollBack', decision: 'Undecided' }, 1_000);
  const { clock } = agent;
  const before = clock.wallNow.bind(clock);
  clock.wallNow = () => new Date(before().getTime() + 50 * 365 * 24 * 60 * 60_000);
  const stop = new AbortController();
  const collecting = agent.registry.collectDaily(stop.signal);
  await clock.advance(25 * 60 * 60_000);
  expect(agent.session()?.phase).toBe('RolledBack');
  await clock.advance(24 * 60 * 60_000);
  expect(agent.session()).toBeNull();
  stop.abort();
  await collecting;
});

test('a clock that jumps, is set right and jumps again a day later takes no tombstone with it at once', async () => {
  const agent = new AgentInMemory([FakeDevice.healthy('a/0')]);
  await agent.prepareSource();
  await agent.send('source', { kind: 'rollBack', decision: 'Undecided' }, 1_000);
  const { clock } = agent;
  const right = clock.wallNow.bind(clock);
  const wrong = (): Date => new Date(right().getTime() + 50 * 365 * 24 * 60 * 60_000);
  const stop = new AbortController();
  const collecting = agent.registry.collectDaily(stop.signal);
  clock.wallNow = wrong;
  await clock.advance(25 * 60 * 60_000);
  clock.wallNow = right;
  await clock.advance(48 * 60 * 60_000);
  clock.wallNow = wrong;
  await clock.advance(24 * 60 * 60_000);
  expect(agent.session()?.phase).toBe('RolledBack');
  await clock.advance(24 * 60 * 60_000);
  expect(agent.session()).toBeNull();
  stop.abort();
  await collecting;
});

test('an agent that starts asks nobody anything for sessions that are over', async () => {
  const agent = new AgentInMemory([FakeDevice.healthy('a/0')]);
  await agent.prepareSource('uid-1');
  await agent.send('source', { kind: 'rollBack', decision: 'Undecided' }, 1_000, 'uid-1');
  await agent.prepareSource('uid-2');
  let asked = 0;
  const state = agent.freezer.state.bind(agent.freezer);
  agent.freezer.state = () => {
    asked += 1;
    return state();
  };
  const next = await restarted(agent);
  expect(asked).toBe(1);
  expect(next.registry.snapshot('uid-1')).toMatchObject({ phase: 'RolledBack' });
});
