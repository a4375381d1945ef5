import { describe, expect, test } from '@jest/globals';
import { AgentInMemory } from '../support/agent-in-memory.ts';
import { FakeDevice } from '../support/fake-device.ts';

/** An agent whose workload says that it uses these devices. */
function agentWith(devices: readonly string[]): AgentInMemory {
  const agent = new AgentInMemory([FakeDevice.healthy('a/0'), FakeDevice.healthy('a/1')]);
  agent.freezer.facts = { ...agent.freezer.facts, devices };
  return agent;
}

describe.each(['prepareSource', 'prepareTarget'] as const)('%s', (prepare) => {
  test.each<[string, readonly string[]]>([
    ['names a device of the node that is not in it', ['a/0', 'a/1', 'a/7']],
    ['names a device that this node does not have', ['a/0', 'elsewhere']],
  ])('refuses a set whose workload %s', async (_name, devices) => {
    const agent = agentWith(devices);
    const reply = await agent[prepare]();
    const missing = devices.at(-1);
    expect(reply.refusal).toMatchObject({ code: 'SetIncomplete', device: missing });
    expect(reply.refusal?.message).toContain(missing);
    expect(agent.session()).toMatchObject({ phase: 'Fenced', devices: [] });
    expect(agent.happened.filter((event) => event.startsWith('a/'))).toEqual([]);
  });

  test.each<[string, readonly string[]]>([
    ['names the same', ['a/1', 'a/0']],
    ['names fewer', ['a/0']],
    ['does not tell', []],
  ])('takes a set whose workload %s', async (_name, devices) => {
    expect(await agentWith(devices)[prepare]()).toMatchObject({ refusal: null });
  });

  test('takes a set whose workload cannot be asked: its state is asked for elsewhere', async () => {
    const agent = agentWith([]);
    agent.freezer.describe = () => Promise.reject(new Error('unimplemented'));
    expect(await agent[prepare]()).toMatchObject({ refusal: null });
  });

  test('does not wait long for a workload that does not tell', async () => {
    const agent = agentWith([]);
    agent.freezer.describe = () => new Promise(() => undefined);
    const reply = agent[prepare]();
    await agent.clock.advance(2_000);
    expect(await reply).toMatchObject({ refusal: null });
  });
});
