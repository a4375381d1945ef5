import { describe, expect, test } from '@jest/globals';
import { AgentInMemory } from '../support/agent-in-memory.ts';
import { FakeDevice } from '../support/fake-device.ts';
import { settle } from '../support/manual-clock.ts';

const QUIESCE = { kind: 'quiesce', timeoutMs: 600_000, waitOnTimeout: false } as const;
const ABORT = { kind: 'rollBack', decision: 'Abort' } as const;

/** A source whose second device has been told to enter `state` and does not come back. */
async function stuckAt(state: 'PreCopy' | 'StopCopy'): Promise<{ agent: AgentInMemory; device: FakeDevice }> {
  const device = FakeDevice.blockingAt('a/1', state);
  const agent = new AgentInMemory([FakeDevice.healthy('a/0'), device]);
  await agent.prepareSource();
  if (state === 'PreCopy') {
    await agent.send('source', { kind: 'preCopy', generation: 1 });
  } else {
    await agent.send('source', QUIESCE);
    await settle();
    await agent.send('source', { kind: 'stop', generation: 1 });
  }
  await agent.clock.advance(1_000);
  return { agent, device };
}

const snapshotOf = (agent: AgentInMemory) => agent.registry.runners[0]?.snapshot;

describe.each(['PreCopy', 'StopCopy'] as const)(
  'a device that does not come back from the arc to %s',
  (state) => {
    test('is told to whoever looks, and logged, with the reason', async () => {
      const { agent } = await stuckAt(state);
      const told = snapshotOf(agent);
      expect(told).toMatchObject({ settled: false, error: { code: 'DeviceStuck', device: 'a/1' } });
      expect(told?.error?.message).toContain(`the arc to ${state}`);
      expect(told?.devices.map(({ stuck }) => stuck)).toEqual([false, true]);
      expect(agent.log.lines.map(({ message }) => message)).toContain(
        'a device operation has outlived its deadline; it is waited for',
      );
      // What may pass is no error of the session: a restart would not know of it either.
      expect(agent.session()?.error).toBeNull();
    });

    test('gets no second operation from a roll-back, and goes home when it comes back', async () => {
      const { agent, device } = await stuckAt(state);
      await agent.send('source', ABORT);
      await agent.clock.advance(600_000);
      const before = device.operations.length;
      expect(agent.session()?.phase).toBe('RollingBack');
      expect(snapshotOf(agent)).toMatchObject({ error: { code: 'DeviceStuck' } });
      await agent.clock.advance(600_000);
      expect(device.operations).toHaveLength(before);

      device.release();
      await settle();
      expect(agent.session()).toMatchObject({ phase: 'RolledBack', error: null });
      expect(agent.devices.map((one) => one.state)).toEqual(['Running', 'Running']);
      expect(agent.freezer.now).toBe('running');
      expect(snapshotOf(agent)?.devices.some(({ stuck }) => stuck)).toBe(false);
    });
  },
);
