import { describe, expect, test } from '@jest/globals';
import { MAX_DEVICES, parseManifest, parseMigration } from '@transship/crds';
import { badManifests, goodManifest, podManifest } from '../../support/bad-manifests.ts';

describe('parseMigration', () => {
  test.each(badManifests.filter(({ refusedBy }) => refusedBy !== 'api'))(
    'refuses $name with $code',
    ({ manifest, code, messagePart }) => {
      const parsed = parseMigration(manifest);
      expect(parsed).toMatchObject({ ok: false, code, message: expect.stringContaining(messagePart) });
      expect(parseManifest(manifest)).toEqual(parsed);
    },
  );

  test('fills in every default that the API server fills in', () => {
    const parsed = parseMigration(goodManifest());
    expect(parsed).toMatchObject({
      ok: true,
      value: {
        spec: {
          strategy: {
            mode: 'PreCopy',
            onDeadline: 'Abort',
            downtimeLimit: '500ms',
            quiesceTimeout: '2s',
            preCopyTimeout: '60s',
          },
          recovery: { retries: 2, onDeviceError: 'Reset' },
        },
        status: {
          phase: 'Pending',
          fence: 0,
          generation: 0,
          decision: { value: 'Undecided' },
          conditions: [{ type: 'Ready', status: 'Unknown', reason: 'Pending' }],
        },
      },
    });
  });

  test('gives two objects defaults of their own', () => {
    const [first, second] = [parseMigration(goodManifest()), parseMigration(goodManifest())];
    if (!first.ok || !second.ok) throw new Error('the good manifest was refused');
    first.value.status.conditions.push({ ...first.value.status.conditions[0]!, type: 'Stalled' });
    first.value.status.decision.value = 'Abort';
    expect(second.value.status.conditions).toHaveLength(1);
    expect(second.value.status.decision.value).toBe('Undecided');
    expect(parseMigration(goodManifest())).toEqual(second);
  });

  test('takes the largest set, a PCI address as name and an explicit pairing', () => {
    const ids = (node: string): string[] =>
      Array.from({ length: MAX_DEVICES }, (_, index) => `${node}/0000:${(index + 16).toString(16)}:00.0`);
    const manifest = goodManifest();
    manifest.spec.source.devices = ids('gpu-a');
    manifest.spec.target = { nodeName: 'gpu-b', devices: ids('gpu-b').reverse() };
    expect(parseMigration(manifest)).toMatchObject({ ok: true });
  });

  test.each([
    ['anywhere', {}],
    ['onto a node', { nodeName: 'gpu-b' }],
    ['onto nodes with a label', { nodeSelector: { 'topology.kubernetes.io/zone': 'a', pool: '' } }],
  ])('takes the devices of a pod %s', (_, target) => {
    const manifest = podManifest();
    manifest.spec.target = target;
    expect(parseMigration(manifest)).toMatchObject({ ok: true, value: { spec: { target } } });
    delete manifest.spec.target;
    delete manifest.spec.source.podUID;
    expect(parseMigration(manifest)).toMatchObject({ ok: true, value: { spec: { target: {} } } });
  });

  test.each(['', '-zone', 'Example.com/zone', 'example.com/', 'a/b/c', 'z'.repeat(64)])(
    'refuses the label key %p, which the API server would refuse in the target pod',
    (key) => {
      const manifest = { ...podManifest() };
      manifest.spec.target = { nodeSelector: { [key]: 'a' } };
      expect(parseMigration(manifest)).toMatchObject({ ok: false, code: 'InvalidManifest' });
    },
  );

  test('keeps metadata that it does not know', () => {
    const manifest = {
      ...goodManifest(),
      metadata: { name: 'a', uid: 'u', managedFields: [{ manager: 'kubectl' }] },
    };
    expect(parseMigration(manifest)).toMatchObject({ ok: true, value: { metadata: manifest.metadata } });
  });

  test('says Internal, never that the manifest is wrong, when a record cannot be read', () => {
    const manifest = { ...goodManifest(), status: { phase: 'FromTheFuture' } };
    expect(parseMigration(manifest)).toMatchObject({ ok: false, code: 'Internal', path: 'status.phase' });
  });

  test('counts further findings but names the mistyped field first', () => {
    const manifest = { ...goodManifest(), spec: { source: { node: 'gpu-a' }, target: { nodeName: 5 } } };
    expect(parseMigration(manifest)).toEqual({
      ok: false,
      code: 'UnknownField',
      path: 'spec.source.node',
      message: 'unknown field "spec.source.node" (and 2 more)',
    });
  });

  test.each([
    undefined,
    null,
    3,
    'text',
    [],
    () => 0,
    new Map(),
    JSON.parse('{"__proto__":{"kind":"DeviceMigration"}}'),
  ])('refuses %p without throwing', (input) => {
    for (const parse of [parseMigration, parseManifest]) {
      const parsed = parse(input);
      expect(parsed.ok).toBe(false);
      expect(parsed).toMatchObject({ message: expect.stringMatching(/./) });
    }
  });

  test('answers within bounds when a hostile manifest is huge', () => {
    const manifest = goodManifest();
    manifest.spec.source.nodeName = `${'a'.repeat(1_000_000)}!`;
    manifest.spec.source.devices = Array.from({ length: 20_000 }, (_, index) => `${'-'.repeat(50)}${index}`);
    const started = performance.now();
    const parsed = parseMigration(manifest);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(parsed.ok).toBe(false);
    expect(parsed.ok || parsed.message.length).toBeLessThanOrEqual(1024);
  });
});

describe('parseManifest', () => {
  test('refuses to look for the devices of a pod in a folder', () => {
    expect(parseManifest(podManifest())).toMatchObject({
      ok: false,
      code: 'PodNameUnsupported',
      path: 'spec.source.podName',
      message: expect.stringContaining('list its devices'),
    });
    expect(parseManifest(goodManifest())).toEqual(parseMigration(goodManifest()));
  });

  test('drops a status, so that nobody brings a decision along', () => {
    const manifest = { ...goodManifest(), status: { fence: 7, decision: { value: 'Commit' } } };
    expect(parseManifest(manifest)).toMatchObject({
      ok: true,
      value: { status: { fence: 0, decision: { value: 'Undecided' } } },
    });
    expect(parseMigration(manifest)).toMatchObject({ ok: true, value: { status: manifest.status } });
  });
});
