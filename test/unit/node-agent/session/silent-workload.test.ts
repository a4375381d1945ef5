import { describe, expect, test } from '@jest/globals';
import { AgentInMemory } from '../support/agent-in-memory.ts';
import { FakeDevice } from '../support/fake-device.ts';

describe.each(['source', 'target'] as const)(
  'a workload of the %s that is asked before a set is bound',
  (role) => {
    const prepare = (agent: AgentInMemory) =>
      role === 'source' ? agent.prepareSource() : agent.prepareTarget();

    test.each([
      ['has not answered yet', 'silent', 'WorkloadUnreachable'],
      ['refuses to answer', 'refused', 'FreezeFailed'],
    ] as const)('and %s', async (_name, kind, code) => {
      const agent = new AgentInMemory([FakeDevice.healthy('a/0')]);
      agent.freezer.now = 'unknown';
      agent.freezer.trouble = { kind, message: 'what it said' };
      expect((await prepare(agent)).refusal).toMatchObject({ code, message: 'what it said' });
      expect(agent.session()).toMatchObject({ phase: 'Fenced', devices: [] });
      agent.freezer.now = role === 'source' ? 'running' : 'discarded';
      expect((await prepare(agent)).refusal).toBeNull();
    });
  },
);
