import { describe, expect, test } from '@jest/globals';
import { encodeRecord } from '@transship/node-agent/internal/journal/record';
import { DeviceWatch } from '@transship/node-agent/internal/session/device-watch';
import { quarantineEntry } from '@transship/node-agent/internal/session/quarantine';
import { AgentInMemory, FakeDisk } from '../support/agent-in-memory.ts';
import { FakeDevice, fakeDevices } from '../support/fake-device.ts';
import { settle } from '../support/manual-clock.ts';
import { aBoundDevice, aSession } from '../support/sessions.ts';

const LIST = '/state/quarantine.json';

/** Another process on the same disk, of which nothing but devices and disk is left. */
async function restarted(agent: AgentInMemory, devices = agent.devices): Promise<AgentInMemory> {
  agent.registry.stop();
  await settle();
  const next = new AgentInMemory(devices, agent.freezer, agent.disk);
  await next.registry.recover();
  await settle();
  return next;
}

/** A target whose device could not be RESET; the migration has ended. */
async function withFailedReset(): Promise<AgentInMemory> {
  const agent = new AgentInMemory([FakeDevice.failingReset('b/0')]);
  await agent.registry.recover();
  await agent.prepareTarget();
  await settle();
  await agent.send('target', { kind: 'discard', decision: 'Undecided' }, 1_000);
  expect(agent.session()?.phase).toBe('Discarded');
  return agent;
}

const codes = (agent: AgentInMemory): (string | undefined)[] =>
  agent.devices.map(({ id }) => agent.registry.whyQuarantined(id)?.code);

describe('a device whose RESET has failed', () => {
  test('is withheld durably before its session says so', async () => {
    const agent = new AgentInMemory([FakeDevice.failingReset('b/0')]);
    const written: string[] = [];
    const write = agent.disk.writeDurably.bind(agent.disk);
    agent.disk.writeDurably = (path, contents) => {
      if (path.includes('quarantine') || contents.includes('"quarantined":true')) written.push(path);
      return write(path, contents);
    };
    await agent.prepareTarget();
    await settle();
    expect(written.slice(0, 2)).toEqual([`${LIST}.tmp`, '/state/uid-1.session.tmp']);
  });

  test('stays withheld over a restart, with everything that is known of it', async () => {
    const agent = await withFailedReset();
    const before = agent.registry.whyQuarantined('b/0');
    expect(before).toMatchObject({
      deviceId: 'b/0',
      uid: 'uid-1',
      code: 'ResetFailed',
      message: expect.stringContaining('refused the reset'),
      remedy: expect.stringContaining('transship recover'),
    });
    const next = await restarted(agent);
    expect(next.registry.whyQuarantined('b/0')).toEqual(before);
    expect((await next.prepareTarget('uid-2')).refusal).toMatchObject({ code: 'DeviceNotMigratable' });
  });

  test('keeps its session as long, by which a version without a list knows of it', async () => {
    const agent = await withFailedReset();
    const stop = new AbortController();
    const collecting = agent.registry.collectDaily(stop.signal);
    await agent.clock.advance(9 * 24 * 60 * 60_000);
    stop.abort();
    await collecting;
    expect(agent.disk.files.has('/state/uid-1.session')).toBe(true);
    const next = await restarted(agent, [FakeDevice.healthy('b/0')]);
    expect(await next.registry.endQuarantine('b/0', '')).toBeNull();
    const end = new AbortController();
    const collectingAgain = next.registry.collectDaily(end.signal);
    await next.clock.advance(9 * 24 * 60 * 60_000);
    end.abort();
    await collectingAgain;
    expect(next.disk.files.has('/state/uid-1.session')).toBe(false);
  });

  test('stays withheld without its session', async () => {
    const agent = await withFailedReset();
    agent.disk.files.delete('/state/uid-1.session');
    expect(codes(await restarted(agent))).toEqual(['ResetFailed']);
  });

  test('is found in the journal of an agent that kept no list', async () => {
    const agent = await withFailedReset();
    agent.disk.files.delete(LIST);
    expect(codes(await restarted(agent))).toEqual(['ResetFailed']);
  });

  test('under a version that keeps no list is found when the list is kept again', async () => {
    const agent = new AgentInMemory([FakeDevice.healthy('b/0')]);
    await agent.registry.recover();
    const devices = [{ ...aBoundDevice('b/0'), quarantined: true }];
    const session = aSession({ uid: 'uid-8', role: 'target', phase: 'Discarded', devices });
    agent.disk.files.set('/state/uid-8.session', encodeRecord({ writtenAt: new Date(), session }));
    const next = await restarted(agent);
    expect(next.registry.whyQuarantined('b/0')).toMatchObject({ code: 'ResetFailed', uid: 'uid-8' });
    expect(await next.registry.endQuarantine('b/0', '')).toBeNull();
    expect(codes(await restarted(next))).toEqual([undefined]);
  });

  test('that was brought back stays free, whatever its old session says', async () => {
    const agent = await withFailedReset();
    const next = await restarted(agent, [FakeDevice.healthy('b/0')]);
    expect(codes(next)).toEqual(['ResetFailed']);
    expect(await next.registry.endQuarantine('b/0', 'uid-1')).toBeNull();
    await next.sendAs({ fence: 2, sequence: 1 }, 'target', { kind: 'attach' });
    expect(codes(next)).toEqual([undefined]);
    expect(codes(await restarted(next))).toEqual([undefined]);
  });

  test('that was brought back is withheld by the session that could not reset it no longer', async () => {
    const agent = await restarted(await withFailedReset(), [FakeDevice.healthy('b/0')]);
    expect(agent.session()?.devices).toMatchObject([{ lost: true, quarantined: true }]);
    expect(await agent.registry.endQuarantine('b/0', '')).toBeNull();
    expect(agent.registry.snapshot('uid-1').devices).toMatchObject([{ lost: true, quarantined: false }]);
    const next = await restarted(agent);
    expect(next.session()?.devices).toMatchObject([{ lost: true, quarantined: false }]);
  });

  test('stays withheld when its session cannot be written, and can be brought back later', async () => {
    const agent = await restarted(await withFailedReset(), [FakeDevice.healthy('b/0')]);
    agent.disk.broken = true;
    expect(await agent.registry.endQuarantine('b/0', '')).toMatchObject({ code: 'Internal' });
    expect(codes(agent)).toEqual(['ResetFailed']);
    agent.disk.broken = false;
    expect(await agent.registry.endQuarantine('b/0', '')).toBeNull();
    expect(agent.session()?.devices).toMatchObject([{ quarantined: false }]);
  });
});

describe('a device that no journal explains', () => {
  test('stays withheld when it is Running at the next start', async () => {
    const device = FakeDevice.healthy('a/0');
    device.state = 'Stop';
    const agent = new AgentInMemory([device]);
    await agent.registry.recover();
    device.state = 'Running';
    expect(codes(await restarted(agent))).toEqual(['StateUnexplained']);
  });

  test('is withheld although the list cannot be written, which is tried again', async () => {
    const device = FakeDevice.healthy('a/0');
    device.state = 'Unknown';
    const agent = new AgentInMemory([device]);
    await agent.registry.recover();
    const watch = new DeviceWatch(agent.registry, fakeDevices(device), agent.clock);
    device.state = 'Resuming';
    agent.disk.broken = true;
    await watch.look();
    expect(codes(agent)).toEqual(['StateUnexplained']);
    expect(agent.disk.files.has(LIST)).toBe(false);
    agent.disk.broken = false;
    await watch.look();
    expect(agent.disk.files.get(LIST)?.toString()).toContain('a/0');
  });
});

describe('a device in the hands of others at the start', () => {
  test('is not judged while a virtual machine monitor has it, which may be moving it', async () => {
    const device = FakeDevice.healthy('a/0');
    device.state = 'StopCopy';
    device.unfit = { code: 'OwnedByVmm', message: 'a monitor has it', device: 'a/0' };
    const agent = new AgentInMemory([device]);
    await agent.registry.recover();
    const watch = new DeviceWatch(agent.registry, fakeDevices(device), agent.clock);
    await watch.look();
    expect(codes(agent)).toEqual([undefined]);
    device.unfit = null;
    await watch.look();
    expect(codes(agent)).toEqual(['StateUnexplained']);
  });

  test('is its session’s, also when that ends before the device has answered', async () => {
    const device = FakeDevice.healthy('b/0');
    const agent = new AgentInMemory([device]);
    await agent.prepareTarget();
    await settle();
    const { promise: late, resolve: answer } = Promise.withResolvers<void>();
    const before = await device.observe();
    expect(before.state).toBe('Resuming');
    const observe = device.observe.bind(device);
    device.observe = async () => {
      await late;
      return before;
    };
    const assessing = agent.registry.assess('b/0');
    device.observe = observe;
    await agent.send('target', { kind: 'discard', decision: 'Undecided' }, 1_000);
    expect(agent.session()?.phase).toBe('Discarded');
    answer();
    await assessing;
    expect(codes(agent)).toEqual([undefined]);
  });
});

describe('a full disk at the start', () => {
  const starting = async (disk: FakeDisk): Promise<AgentInMemory> => {
    const agent = new AgentInMemory([FakeDevice.failingReset('b/0')], undefined, disk);
    disk.broken = true;
    await agent.registry.recover();
    return agent;
  };

  test('is no obstacle when there is nothing to write', async () => {
    expect(codes(await starting(new FakeDisk([])))).toEqual([undefined]);
    const agent = await withFailedReset();
    const list = agent.disk.files.get(LIST);
    agent.registry.stop();
    expect(codes(await starting(agent.disk))).toEqual(['ResetFailed']);
    expect(agent.disk.files.get(LIST)).toBe(list);
  });

  test('withholds devices all the same, and the next write has them', async () => {
    const agent = await withFailedReset();
    agent.registry.stop();
    agent.disk.files.delete(LIST);
    const next = await starting(agent.disk);
    expect(codes(next)).toEqual(['ResetFailed']);
    expect(next.log.lines.some(({ message }) => message.includes('cannot be written'))).toBe(true);
    next.disk.broken = false;
    const another = quarantineEntry('b/1', new Date(0), '', 'StateUnexplained', 'it was Stop');
    await next.registry.quarantine.add(another);
    expect(next.disk.files.get(LIST)?.toString()).toContain('"b/0"');
  });
});

describe('a list that cannot be read', () => {
  test.each([
    ['torn', (whole: string) => whole.slice(0, 60)],
    ['empty', () => ''],
    ['altered', (whole: string) => whole.replace('b/0', 'b/1')],
  ])('(%s) withholds every device, durably and loudly, and is kept', async (_name, alter) => {
    const agent = await withFailedReset();
    const devices = [FakeDevice.healthy('b/0'), FakeDevice.healthy('b/1'), FakeDevice.healthy('b/2')];
    const damaged = Buffer.from(alter(agent.disk.files.get(LIST)?.toString() ?? ''));
    agent.disk.files.set(LIST, damaged);
    const next = await restarted(agent, devices);
    // The journal still tells of the first one.
    expect(codes(next)).toEqual(['ResetFailed', 'QuarantineUnreadable', 'QuarantineUnreadable']);
    expect(next.disk.files.get('/state/refused/quarantine.json')).toEqual(damaged);
    expect(next.log.lines.some(({ message }) => message.includes('every device is withheld'))).toBe(true);
    expect(await next.registry.endQuarantine('b/1', '')).toBeNull();
    expect(codes(await restarted(next))).toEqual(['ResetFailed', undefined, 'QuarantineUnreadable']);
  });

  test('keeps the agent from serving when it cannot be replaced', async () => {
    const disk = new FakeDisk([]);
    disk.files.set(LIST, Buffer.from('{'));
    disk.broken = true;
    const agent = new AgentInMemory([FakeDevice.healthy('a/0')], undefined, disk);
    await expect(agent.registry.recover()).rejects.toThrow('no space left');
  });
});

describe('a journal that was refused', () => {
  /** A source with a session on a/0 and one on a/1, of which the file of the second is then damaged. */
  async function withRefused(alter: (whole: string) => string): Promise<AgentInMemory> {
    const devices = ['a/0', 'a/1', 'a/2'].map((id) => FakeDevice.healthy(id));
    const agent = new AgentInMemory(devices);
    await agent.registry.recover();
    await agent.send('source', { kind: 'prepare', generation: 1, devices: ['a/0'] }, 0, 'uid-1');
    await agent.send('source', { kind: 'prepare', generation: 1, devices: ['a/1'] }, 0, 'uid-2');
    const path = '/state/uid-2.session';
    agent.disk.files.set(path, Buffer.from(alter(agent.disk.files.get(path)?.toString() ?? '')));
    return restarted(agent);
  }

  test('withholds every device that no other session explains, when it does not tell its own', async () => {
    const agent = await withRefused((whole) => whole.slice(0, 30));
    expect(codes(agent)).toEqual([undefined, 'JournalRefused', 'JournalRefused']);
    expect(agent.registry.whyQuarantined('a/1')).toMatchObject({
      uid: 'uid-2',
      message: expect.stringContaining('/state/refused/uid-2.session'),
    });
  });

  test('is taken account of once: a device that was brought back stays free', async () => {
    const agent = await withRefused((whole) => whole.slice(0, 30));
    expect(await agent.registry.endQuarantine('a/2', 'uid-2')).toBeNull();
    const next = await restarted(agent);
    expect(codes(next)).toEqual([undefined, 'JournalRefused', undefined]);
  });

  test('is set aside when what it withholds is durable, not before', async () => {
    const agent = await withRefused((whole) => whole.slice(0, 30));
    agent.disk.files.delete(LIST);
    agent.disk.files.set('/state/uid-3.session', Buffer.from('torn'));
    agent.disk.broken = true;
    const full = await restarted(agent);
    expect(codes(full)).toEqual(['JournalRefused', 'JournalRefused', 'JournalRefused']);
    expect(full.disk.files.has('/state/uid-3.session')).toBe(true);
    const { refusal } = await full.send('source', { kind: 'attach' }, 0, 'uid-3');
    expect(refusal?.message).toContain('it is kept as /state/uid-3.session');
    full.disk.broken = false;
    const next = await restarted(full);
    expect(codes(next)).toEqual(['JournalRefused', 'JournalRefused', 'JournalRefused']);
    expect(next.disk.files.has('/state/refused/uid-3.session')).toBe(true);
    expect(next.disk.files.get(LIST)?.toString()).toContain('a/0');
  });

  test('under a version that kept no list withholds nothing, unless a device is not Running', async () => {
    const agent = await withRefused((whole) => whole.slice(0, 30));
    agent.disk.files.delete(LIST);
    const devices = [FakeDevice.healthy('a/0'), FakeDevice.healthy('a/1'), FakeDevice.healthy('a/2')];
    for (const device of devices.slice(2)) device.state = 'Stop';
    const next = await restarted(agent, devices);
    expect(codes(next)).toEqual([undefined, undefined, 'StateUnexplained']);
    const { refusal } = await next.send('source', { kind: 'attach' }, 0, 'uid-2');
    expect(refusal).toMatchObject({ code: 'JournalRefused' });
    expect(codes(await restarted(next))).toEqual([undefined, undefined, 'StateUnexplained']);
  });

  test('gives its devices back when it can be read after all', async () => {
    const agent = await withRefused((whole) => whole.slice(0, 30));
    agent.disk.files.delete('/state/refused/uid-2.session');
    const session = aSession({ uid: 'uid-2', phase: 'RolledBack' });
    agent.disk.files.set('/state/uid-2.session', encodeRecord({ writtenAt: new Date(0), session }));
    expect(codes(await restarted(agent))).toEqual([undefined, undefined, undefined]);
  });

  test('that came back leaves devices withheld that another one may be about', async () => {
    const devices = ['a/0', 'a/1'].map((id) => FakeDevice.healthy(id));
    const agent = new AgentInMemory(devices);
    agent.disk.files.set('/state/uid-1.session', Buffer.from('torn'));
    agent.disk.files.set('/state/uid-2.session', Buffer.from('torn'));
    await agent.registry.recover();
    expect(agent.registry.whyQuarantined('a/0')).toMatchObject({ uid: 'uid-1' });
    agent.disk.files.delete('/state/refused/uid-1.session');
    const session = aSession({ uid: 'uid-1', phase: 'RolledBack' });
    agent.disk.files.set('/state/uid-1.session', encodeRecord({ writtenAt: new Date(0), session }));
    const next = await restarted(agent);
    expect(next.registry.whyQuarantined('a/0')).toMatchObject({ code: 'JournalRefused', uid: 'uid-2' });
  });
});
