import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../support/managed-process.ts';
import { migrationManifest } from '../support/migration-manifest.ts';
import { endOf, startRecoverIn } from '../support/recover-program.ts';
import { KubeNodes, type NodeName } from './kube-nodes.ts';

/** Building the control plane takes minutes when the cache is cold. */
const START_DEADLINE_MS = 90 * 60_000;
const CASE_DEADLINE_MS = 400_000;
const PATIENCE_MS = 120_000;
const NAME = 'bereft';
const PROOF = 'gpu-a burnt down, and its Node was deleted';

let kube: KubeNodes;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ts-bereft-'));
  kube = await KubeNodes.start();
  await kube.startNodes({ devices: 2, memory: '16M' });
}, START_DEADLINE_MS);

afterAll(async () => {
  await kube[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const control = (node: NodeName) => kube.emulators.get(node)!.control;

async function untilStates(node: NodeName, wanted: (states: readonly string[]) => boolean): Promise<void> {
  await eventually(`${node} is where it should be`, PATIENCE_MS, async () =>
    wanted((await control(node).devices()).map(({ state }) => state)) ? true : null,
  );
}

test(
  'a set whose source is gone, Node and all, runs on at its target on a person’s word, while an operator works',
  async () => {
    await kube.startOperator();
    await control('gpu-a').fault(0, 'pri');
    await kube.kubectl(['apply', '-f', '-'], JSON.stringify(migrationManifest(NAME, { devices: [0, 1] })));
    await untilStates('gpu-b', (states) => states.every((state) => state === 'Resuming'));
    await control('gpu-b').fault(1, 'pri');
    await control('gpu-a').clear(0);
    await untilStates('gpu-b', ([state]) => state === 'RunningP2P');
    await kube.losePower('gpu-a');
    await kube.kubectl(['delete', 'ndi', 'gpu-a']);
    await control('gpu-b').clear(1);
    const waiting = await kube.until(
      NAME,
      'waiting for its source',
      (found) =>
        found?.status.conditions.some(
          ({ type, message }) => type === 'Reconciling' && message.includes('--source-is-dead'),
        ) ?? false,
    );
    expect(waiting?.status).toMatchObject({ phase: 'Releasing', decision: { value: 'Commit' } });

    const args = [`default/${NAME}`, '--source-is-dead', PROOF];
    const looking = startRecoverIn(folder, kube.operatorEnvironment, args);
    expect(await endOf(looking)).toMatchObject({ code: 3 });
    const acting = startRecoverIn(folder, kube.operatorEnvironment, [...args, '--yes']);
    expect(await endOf(acting)).toMatchObject({ code: 0 });

    const ended = await kube.until(NAME, 'ended', (found) => found?.status.completedAt !== undefined);
    expect(ended?.status).toMatchObject({ phase: 'Succeeded', sourceDead: { proof: PROOF } });
    expect(ended?.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'SourceNotReleased', status: 'True', reason: 'DeclaredDead' }),
    );
    await untilStates('gpu-b', (states) => states.every((state) => state === 'Running'));
    expect(await control('gpu-b').workload()).toMatchObject({ phase: 'Live', frozen: false });
    const links = await control('gpu-b').links();
    expect(links.filter(({ lost, gaps, doubles }) => lost + gaps + doubles > 0)).toEqual([]);
    // The word is nobody's to change or to take back.
    const patch = JSON.stringify({ status: { sourceDead: null } });
    const taken = kube.kubectl(['patch', 'dmig', NAME, '--subresource=status', '--type=merge', '-p', patch]);
    await expect(taken).rejects.toThrow('sourceDead is recorded once');
  },
  CASE_DEADLINE_MS,
);
