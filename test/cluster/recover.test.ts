import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { EmulatorControl } from '../support/emulator-control.ts';
import { eventually } from '../support/managed-process.ts';
import { migrationManifest } from '../support/migration-manifest.ts';
import { type Ended, endOf, startRecoverIn } from '../support/recover-program.ts';
import { KubeNodes, type NodeName } from './kube-nodes.ts';

/** Building the control plane takes minutes when the cache is cold. */
const START_DEADLINE_MS = 90 * 60_000;
const CASE_DEADLINE_MS = 400_000;
const PATIENCE_MS = 120_000;
const NAME = 'lost';

let kube: KubeNodes;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ts-recover-'));
  kube = await KubeNodes.start();
  await kube.startNodes({ devices: 2, memory: '16M' });
}, START_DEADLINE_MS);

afterAll(async () => {
  await kube[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function control(node: NodeName): EmulatorControl {
  const found = kube.emulators.get(node);
  if (found === undefined) throw new Error(`no emulator on ${node}`);
  return found.control;
}

async function untilStates(node: NodeName, wanted: (states: readonly string[]) => boolean): Promise<void> {
  await eventually(`${node} is where it should be`, PATIENCE_MS, async () =>
    wanted((await control(node).devices()).map(({ state }) => state)) ? true : null,
  );
}

async function recover(...args: readonly string[]): Promise<Ended> {
  await using program = startRecoverIn(folder, kube.operatorEnvironment, args);
  return await endOf(program);
}

test(
  'a set whose target lost its power runs again, while an operator works on the cluster',
  async () => {
    await kube.startOperator();
    await control('gpu-a').fault(0, 'pri');
    await kube.kubectl(['apply', '-f', '-'], JSON.stringify(migrationManifest(NAME, { devices: [0, 1] })));
    await untilStates('gpu-b', (states) => states.every((state) => state === 'Resuming'));
    await control('gpu-b').fault(1, 'pri');
    await control('gpu-a').clear(0);
    await untilStates('gpu-b', ([state]) => state === 'RunningP2P');
    await kube.losePower('gpu-b');
    await kube.until(NAME, 'waiting', (found) => found?.status.decision.value === 'Commit');

    const source = [NAME, '--source', '--target-is-dead', 'the rack of gpu-b has no power'];
    expect(await recover(...source)).toMatchObject({ code: 3 });
    expect(await recover(...source, '--yes')).toMatchObject({ code: 0 });
    await untilStates('gpu-a', (states) => states.every((state) => state === 'Running'));
    expect(await control('gpu-a').workload()).toMatchObject({ phase: 'Live', frozen: false });
    const links = await control('gpu-a').links();
    expect(links.filter(({ lost, gaps, doubles }) => lost + gaps + doubles > 0)).toEqual([]);

    // The operator that was pushed off has nothing left to do but to take its finalizer away.
    const ended = await kube.until(
      NAME,
      'let go',
      (found) => (found?.metadata.finalizers ?? []).length === 0,
    );
    expect(ended?.status).toMatchObject({
      phase: 'Failed',
      decision: { value: 'Revert' },
      error: { code: 'TargetLost' },
    });
    expect(ended?.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'Recovered', status: 'True', reason: 'BackAtSource' }),
    );
    const uid = String(ended?.metadata.uid);
    await kube.kubectl(['delete', 'dmig', NAME, '--timeout=120s']);
    // Without its object the set is found by its UID: it runs already, whatever the silent node did.
    const orphan = await recover('--orphan', uid, '--node', 'gpu-a', '--run');
    expect(orphan).toMatchObject({ code: 0, said: expect.stringContaining('Nothing is left to do') });
    expect(orphan.said).toMatch(/^ *gpu-b: no answer/mu);
  },
  CASE_DEADLINE_MS,
);
