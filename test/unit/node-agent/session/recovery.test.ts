import { describe, expect, test } from '@jest/globals';
import { quarantineEntry } from '@transship/node-agent/internal/session/quarantine';
import { AgentInMemory } from '../support/agent-in-memory.ts';
import { FakeDevice } from '../support/fake-device.ts';
import { settle } from '../support/manual-clock.ts';

/** An agent that found its only device stopped, without a journal. */
async function withUnexplained(device: FakeDevice): Promise<AgentInMemory> {
  device.state = 'Stop';
  const agent = new AgentInMemory([device]);
  await agent.registry.recover();
  expect(agent.registry.quarantined(device.id)).toBe(true);
  return agent;
}

describe('a device in quarantine', () => {
  test('that comes back from RESET is free', async () => {
    const device = FakeDevice.healthy('a/0');
    const agent = await withUnexplained(device);
    expect(await agent.registry.endQuarantine('a/0', '')).toBeNull();
    expect(device.operations).toEqual(['reset']);
    expect(agent.registry.whyQuarantined('a/0')).toBeNull();
    expect((await agent.prepareSource()).refusal).toBeNull();
  });

  test('of a workload that runs is reset all the same, and the workload is told', async () => {
    const agent = await withUnexplained(FakeDevice.healthy('a/0'));
    expect(agent.freezer.now).toBe('running');
    expect(await agent.registry.endQuarantine('a/0', '')).toBeNull();
    expect(agent.freezer.calls).toEqual(['devices reset: a/0']);
  });

  test('of a workload that has ended is nobody told of', async () => {
    const agent = await withUnexplained(FakeDevice.healthy('a/0'));
    agent.freezer.now = 'discarded';
    expect(await agent.registry.endQuarantine('a/0', '')).toBeNull();
    expect(agent.freezer.calls).toEqual([]);
  });

  test('of a workload that does not listen comes back all the same', async () => {
    const agent = await withUnexplained(FakeDevice.healthy('a/0'));
    agent.freezer.devicesReset = () => Promise.reject(new Error('no answer'));
    expect(await agent.registry.endQuarantine('a/0', '')).toBeNull();
    expect(agent.registry.quarantined('a/0')).toBe(false);
    expect(agent.log.lines.some(({ message }) => message.includes('no workload was told'))).toBe(true);
  });

  test('that cannot be RESET stays, and the answer says why', async () => {
    const agent = await withUnexplained(FakeDevice.failingReset('a/0'));
    expect(await agent.registry.endQuarantine('a/0', '')).toMatchObject({
      code: 'ResetFailed',
      message: expect.stringContaining('refused the reset'),
    });
    expect(agent.registry.whyQuarantined('a/0')).toMatchObject({ code: 'StateUnexplained' });
  });

  test('that is not Running behind its RESET stays', async () => {
    const device = FakeDevice.healthy('a/0');
    const agent = await withUnexplained(device);
    device.reset = () => Promise.resolve('another life');
    expect(await agent.registry.endQuarantine('a/0', '')).toMatchObject({ code: 'ResetFailed' });
    expect(agent.registry.quarantined('a/0')).toBe(true);
  });

  test('is RESET by one caller at a time, who is answered although the RESET hangs', async () => {
    const device = FakeDevice.healthy('a/0');
    const agent = await withUnexplained(device);
    const { promise, resolve } = Promise.withResolvers<string>();
    device.reset = () => promise;
    const first = agent.registry.endQuarantine('a/0', '');
    expect(await agent.registry.endQuarantine('a/0', '')).toMatchObject({ code: 'DeviceBusy' });
    await agent.clock.advance(60_000);
    expect(await first).toMatchObject({ code: 'DeviceStuck' });
    expect(agent.registry.quarantined('a/0')).toBe(true);
    device.state = 'Running';
    resolve('another life');
    await settle();
    expect(agent.registry.quarantined('a/0')).toBe(false);
  });

  test('for a migration is not given to who names another', async () => {
    const agent = new AgentInMemory([FakeDevice.failingReset('b/0')]);
    await agent.prepareTarget();
    await settle();
    await agent.send('target', { kind: 'discard', decision: 'Undecided' }, 1_000);
    expect(agent.registry.whyQuarantined('b/0')).toMatchObject({ code: 'ResetFailed', uid: 'uid-1' });
    expect(await agent.registry.endQuarantine('b/0', 'uid-2')).toMatchObject({ code: 'NotQuarantined' });
    expect(await agent.registry.endQuarantine('b/0', 'uid-1')).toMatchObject({ code: 'ResetFailed' });
  });
});

test('a device whose quarantine cannot be ended on disk stays in it', async () => {
  const agent = await withUnexplained(FakeDevice.healthy('a/0'));
  agent.disk.broken = true;
  expect(await agent.registry.endQuarantine('a/0', '')).toMatchObject({
    code: 'Internal',
    message: expect.stringContaining('no space left'),
  });
  expect(agent.registry.quarantined('a/0')).toBe(true);
});

test('a device that is in no quarantine is left alone', async () => {
  const device = FakeDevice.healthy('a/0');
  const agent = new AgentInMemory([device]);
  expect(await agent.registry.endQuarantine('a/0', '')).toMatchObject({ code: 'NotQuarantined' });
  expect(await agent.registry.endQuarantine('a/7', '')).toMatchObject({ code: 'DeviceNotFound' });
  expect(device.operations).toEqual([]);
});

test('a device that a session binds is left to the session', async () => {
  const device = FakeDevice.healthy('a/0');
  const agent = new AgentInMemory([device]);
  await agent.prepareSource();
  await agent.registry.quarantine.add(quarantineEntry('a/0', new Date(0), 'uid-1', 'ResetFailed', ''));
  expect(await agent.registry.endQuarantine('a/0', 'uid-1')).toMatchObject({
    code: 'DeviceBusy',
    message: expect.stringContaining('uid-1'),
  });
  expect(device.operations).toEqual([]);
});

test('sessions are listed by UID, with or without those that hold nothing', async () => {
  const agent = new AgentInMemory([FakeDevice.healthy('a/0')]);
  await agent.prepareSource('uid-2');
  await agent.send('source', { kind: 'rollBack', decision: 'Undecided' }, 1_000, 'uid-2');
  await agent.send('source', { kind: 'attach' }, 0, 'uid-0');
  await agent.prepareSource('uid-1');
  const shown = (onlyBound: boolean) => agent.registry.list(onlyBound).map(({ uid, phase }) => [uid, phase]);
  expect(shown(false)).toEqual([
    ['uid-0', 'Fenced'],
    ['uid-1', 'Prepared'],
    ['uid-2', 'RolledBack'],
  ]);
  expect(shown(true)).toEqual([['uid-1', 'Prepared']]);
});
