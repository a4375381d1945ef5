import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { issueTestPki } from '../support/certificates.ts';
import type { TestPki } from '../support/certificates.ts';
import { eventually } from '../support/managed-process.ts';
import { startAgent, startEmulator } from '../support/processes.ts';
import type { RunningAgentProcess, RunningEmulator } from '../support/processes.ts';
import { Voyage } from '../support/voyage.ts';
import type { Shore } from '../support/voyage.ts';

const DEVICES = 2;
const MiB = 1024 * 1024;

let directory: string;
let pki: TestPki;
let stack: AsyncDisposableStack;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ts-agents-'));
  pki = await issueTestPki(join(directory, 'pki'), ['gpu-a', 'gpu-b']);
  stack = new AsyncDisposableStack();
});

afterEach(async () => {
  await stack.disposeAsync();
  await rm(directory, { recursive: true });
});

interface Port {
  readonly emulator: RunningEmulator;
  readonly agent: RunningAgentProcess;
  readonly shore: Shore;
}

async function openPort(node: string, emulatorArgs: readonly string[]): Promise<Port> {
  const emulator = stack.use(
    await startEmulator({
      directory: join(directory, node),
      node,
      devices: DEVICES,
      memory: '64M',
      args: emulatorArgs,
    }),
  );
  const agent = stack.use(
    await startAgent({ directory: join(directory, node), emulator, tls: pki.node(node) }),
  );
  const client = await agent.client(pki.operator);
  stack.defer(() => client.close());
  return { emulator, agent, shore: { client, node, endpoint: agent.endpoint, devices: agent.deviceIds } };
}

describe('two agents', () => {
  test('move a set of two devices: digests equal, nothing lost, no rule broken', async () => {
    const source = await openPort('gpu-a', ['--seed', '1', '--dirty-rate', '8M']);
    const target = await openPort('gpu-b', ['--seed', '2', '--traffic', 'off']);
    const voyage = new Voyage('11111111-2222-3333-4444-555555555555', source.shore, target.shore);

    await voyage.prepare(1);
    await voyage.preCopy(1, 16 * MiB);
    const stopped = await voyage.stop(1);
    const left = await Promise.all([0, 1].map((device) => source.emulator.control.digest(device)));
    await voyage.verify(stopped);
    const arrived = await Promise.all([0, 1].map((device) => target.emulator.control.digest(device)));
    expect(arrived).toEqual(left);
    await voyage.commit();

    // The links go on where they were, on the other node.
    await eventually('traffic on the target', 5_000, async () => {
      const links = await target.emulator.control.links();
      return links.length === 2 && links.every(({ receivedHere }) => receivedHere > 10) ? true : null;
    });
    for (const { lost, gaps, doubles } of await target.emulator.control.links()) {
      expect({ lost, gaps, doubles }).toEqual({ lost: 0, gaps: 0, doubles: 0 });
    }
    expect(await source.emulator.control.violations()).toEqual([]);
    expect(await target.emulator.control.violations()).toEqual([]);
    expect((await source.emulator.control.workload()).phase).toBe('Ended');
    expect(await target.emulator.control.workload()).toMatchObject({ phase: 'Live', frozen: false });
    expect((await source.emulator.control.devices()).map(({ state }) => state)).toEqual([
      'Running',
      'Running',
    ]);
  });
});
