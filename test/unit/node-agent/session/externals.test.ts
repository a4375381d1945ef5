import { describe, expect, test } from '@jest/globals';
import { AfterReset } from '@transship/node-agent/internal/device/port';
import { AgentInMemory } from '../support/agent-in-memory.ts';
import { FakeDevice } from '../support/fake-device.ts';
import { FakeFreezer } from '../support/fake-freezer.ts';
import { settle } from '../support/manual-clock.ts';

/** A source that has to reset its device on the way back, after another process has taken it over. */
async function goesBack(agent: AgentInMemory): Promise<void> {
  await agent.prepareSource();
  await agent.send('source', { kind: 'quiesce', timeoutMs: 5_000, waitOnTimeout: false });
  await settle();
  for (const device of agent.devices) device.state = 'Error';
}

describe('what a source device has outside of its stream', () => {
  test('V2-27: is read at prepare and restored behind a RESET on the way back', async () => {
    const device = FakeDevice.healthy('a/0');
    device.externals = Buffer.from('command 6');
    const agent = new AgentInMemory([device]);
    await goesBack(agent);
    device.externals = Buffer.from('changed since');
    await agent.send('source', { kind: 'rollBack', decision: 'Undecided' });
    await settle();
    expect(agent.happened).toContain('a/0 reset and command 6');
    expect(agent.session()?.phase).toBe('RolledBack');
  });

  test('V2-27: is restored by an agent that was killed in between, from its journal', async () => {
    const device = FakeDevice.healthy('a/0');
    device.externals = Buffer.from('command 6');
    const freezer = FakeFreezer.healthy();
    const killed = new AgentInMemory([device], freezer);
    await goesBack(killed);
    killed.registry.stop();
    const agent = new AgentInMemory([device], freezer, killed.disk);
    await agent.registry.recover();
    await settle();
    expect(agent.happened).toContain('a/0 reset and command 6');
  });

  test('V2-27: that cannot be restored loses its device and withholds it from nobody', async () => {
    const device = FakeDevice.healthy('a/0');
    device.reset = () => {
      Object.assign(device, { state: 'Running', life: 2 });
      const why = { code: 'DeviceStateLost', message: 'not restored', device: 'a/0' };
      return Promise.reject(new AfterReset(why, device.incarnation, null));
    };
    const agent = new AgentInMemory([device]);
    await goesBack(agent);
    await agent.send('source', { kind: 'rollBack', decision: 'Undecided' });
    await settle();
    expect(agent.session()).toMatchObject({
      phase: 'RolledBack',
      error: { code: 'DeviceStateLost' },
      devices: [{ lost: true, quarantined: false, incarnation: 'life 2' }],
    });
    expect(agent.registry.quarantined('a/0')).toBe(false);
  });

  test('is not restored to a device that is given away', async () => {
    const device = FakeDevice.healthy('a/0');
    device.externals = Buffer.from('command 6');
    const agent = new AgentInMemory([device]);
    await agent.prepareSource();
    await agent.send('source', { kind: 'quiesce', timeoutMs: 5_000, waitOnTimeout: false });
    await agent.send('source', { kind: 'stop', generation: 1 });
    await settle();
    const [saving] = agent.streams.saves;
    const progress = { ended: true, pendingBytes: 0, initialPending: false, stopCopyBytes: 0 };
    const totals = { kind: 'device', deviceIndex: 0, bytes: 1, segments: 1, crc32c: 1 } as const;
    saving?.listener.onProgress([{ ...progress, totals }]);
    await settle();
    await agent.send('source', { kind: 'release', decision: 'Commit' });
    await settle();
    expect(agent.session()?.phase).toBe('Released');
    expect(agent.happened).toContain('a/0 reset');
    expect(agent.happened.filter((what) => what.includes('reset and'))).toEqual([]);
  });

  test('is not waited for longer than the session can be held up', async () => {
    const device = FakeDevice.healthy('a/0');
    device.readExternals = () => new Promise(() => undefined);
    const agent = new AgentInMemory([device]);
    const reply = agent.prepareSource();
    await Promise.all([agent.clock.advance(5_000), expect(reply).resolves.toMatchObject({ refusal: null })]);
    expect(agent.session()).toMatchObject({ phase: 'Prepared', devices: [{ externals: '' }] });
  });

  test('and could not be read is missing behind a RESET, which is said', async () => {
    const device = FakeDevice.healthy('a/0');
    device.readExternals = () => Promise.reject(new Error('busy'));
    const agent = new AgentInMemory([device]);
    await goesBack(agent);
    await agent.send('source', { kind: 'rollBack', decision: 'Undecided' });
    await settle();
    expect(agent.session()).toMatchObject({ phase: 'RolledBack', devices: [{ lost: true }] });
    expect(agent.log.lines.map(({ message }) => message)).toContain(
      'what RESET cleared is not restored: it could not be read at prepare',
    );
  });

  test('is read of a source alone: a target device is reset as it is', async () => {
    const device = FakeDevice.healthy('a/0');
    const agent = new AgentInMemory([device]);
    await agent.prepareTarget();
    await settle();
    expect(agent.session()?.devices[0]?.externals).toBe('');
    expect(agent.happened).toContain('a/0 reset');
  });
});
