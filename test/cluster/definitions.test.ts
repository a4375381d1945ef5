import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { badManifests, goodManifest, podManifest } from '../support/bad-manifests.ts';
import { Cluster, START_DEADLINE_MS } from './adapters/cluster.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start();
}, START_DEADLINE_MS);
afterAll(() => cluster.stop());

/** What the API server says of a document, as `kubectl apply` would show it. */
function dryRun(document: unknown): ReturnType<Cluster['controlPlane']['run']> {
  const args = ['create', '--validate=strict', '--dry-run=server', '-f', '-'];
  return cluster.controlPlane.run('kubectl', args, { input: JSON.stringify(document) });
}

describe('the API server', () => {
  test('takes a good manifest', async () => {
    expect(await dryRun(goodManifest())).toMatchObject({ code: 0 });
  });

  test.each([
    ['anywhere', undefined],
    ['onto a node', { nodeName: 'gpu-b' }],
    ['onto nodes with a label', { nodeSelector: { zone: 'a' } }],
  ])('takes the devices of a pod %s', async (_, target) => {
    const manifest = podManifest();
    const { target: __, ...spec } = manifest.spec;
    const document = { ...manifest, spec: { ...spec, ...(target === undefined ? {} : { target }) } };
    expect(await dryRun(document)).toMatchObject({ code: 0 });
  });

  test.each(
    badManifests.filter(({ refusedBy }) => refusedBy !== 'zod').map((bad) => [bad.name, bad] as const),
  )('refuses %s', async (_, { manifest, messagePart, apiMessagePart }) => {
    const { code, stderr } = await dryRun(manifest);
    expect(code).not.toBe(0);
    expect(stderr).toContain(apiMessagePart ?? messagePart);
  });
});
