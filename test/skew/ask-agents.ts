import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { AgentClient, Role } from '@transship/node-agent/contract';
import type { TestNode } from '../support/test-node.ts';
import type { TwoNodes } from '../support/two-nodes.ts';

const PATIENCE_MS = 90_000;

/** The agent that runs now has refused no file of its journal, be it written by another version. */
export async function expectNothingRefused(nodes: TwoNodes): Promise<void> {
  const refused = nodes.nodes.map(({ agent }) => readdir(join(agent.stateDir, 'refused')).catch(() => []));
  expect((await Promise.all(refused)).flat()).toEqual([]);
}

/** Where the agent that runs now says that the session of a migration stands; 'unknown' when it has never heard of it. */
export function phaseOf(nodes: TwoNodes, node: TestNode, role: Role, uid: string): Promise<string> {
  return asked(nodes, node, async (client, deadline) => {
    for await (const { fence, phase } of client.observe(uid, role, deadline))
      return fence === 0 ? 'unknown' : phase;
    return 'silent';
  });
}

/** Version of the contract that the agent says it speaks. */
export function versionOf(nodes: TwoNodes, node: TestNode): Promise<number> {
  return asked(
    nodes,
    node,
    async (client, deadline) => (await client.describe([], deadline)).contractVersion,
  );
}

async function asked<T>(
  { pki }: TwoNodes,
  { agent }: TestNode,
  ask: (client: AgentClient, deadline: AbortSignal) => Promise<T>,
): Promise<T> {
  const client = await agent.client(pki.operator);
  try {
    return await ask(client, AbortSignal.timeout(PATIENCE_MS));
  } finally {
    client.close();
  }
}
