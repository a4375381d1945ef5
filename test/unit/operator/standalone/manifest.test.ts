import { describe, expect, test } from '@jest/globals';
import { readManifest } from '@transship/operator/internal/standalone/manifest';

const GOOD = `
apiVersion: transship.dev/v1alpha1
kind: DeviceMigration
metadata: { name: trainer-0, namespace: ml }
spec:
  source: { nodeName: gpu-a, devices: [gpu-a/0] }
  target: { nodeName: gpu-b }
`;

describe('a manifest file', () => {
  test('gives its migration, with defaults', () => {
    expect(readManifest('a.yaml', GOOD)).toEqual([
      {
        key: { namespace: 'ml', name: 'trainer-0' },
        named: true,
        parsed: {
          ok: true,
          value: expect.objectContaining({ spec: expect.objectContaining({ recovery: expect.anything() }) }),
        },
      },
    ]);
  });

  test('may hold several, without a namespace, beside empty documents and kinds of others', () => {
    const text = `---\n# nothing here\n---${GOOD}---\nkind: ConfigMap\napiVersion: v1\n---${GOOD.replace(', namespace: ml', '')}`;
    expect(readManifest('a.yaml', text).map(({ key }) => key)).toEqual([
      { namespace: 'ml', name: 'trainer-0' },
      { namespace: '', name: 'trainer-0' },
    ]);
  });

  test('never brings a status along', () => {
    const [document] = readManifest('a.yaml', `${GOOD}status: { decision: { value: Commit } }\n`);
    expect(document?.parsed).toMatchObject({
      ok: true,
      value: { status: { decision: { value: 'Undecided' } } },
    });
  });

  const refused: Record<string, [text: string, code: string, name: string, named: boolean]> = {
    'a broken rule': [GOOD.replace('gpu-b', 'gpu-a'), 'SameNode', 'trainer-0', true],
    'an unknown field': [GOOD.replace('spec:', 'spec:\n  sauce: 1'), 'UnknownField', 'trainer-0', true],
    'a slip in kind': [
      GOOD.replace('DeviceMigration', 'DeviceMigrations'),
      'InvalidManifest',
      'trainer-0',
      true,
    ],
    'a slip in apiVersion': [GOOD.replace('v1alpha1', 'v1'), 'InvalidManifest', 'trainer-0', true],
    'no kind at all': [GOOD.replace('kind: DeviceMigration', ''), 'InvalidManifest', 'trainer-0', true],
    'a name that is none': [
      GOOD.replace('trainer-0', '../../etc/passwd'),
      'InvalidManifest',
      'my-move',
      false,
    ],
    'a namespace that is none': [GOOD.replace(': ml', ': a.b'), 'InvalidManifest', 'my-move', false],
    'no name': [GOOD.replace('name: trainer-0, ', ''), 'InvalidManifest', 'my-move', false],
    'a list': ['- 1\n', 'InvalidManifest', 'my-move', false],
    'a scalar': ['hello\n', 'InvalidManifest', 'my-move', false],
    'broken YAML': ['spec: [\n', 'InvalidManifest', 'my-move', false],
    'a key given twice': [`${GOOD}spec: {}\n`, 'InvalidManifest', 'my-move', false],
    'aliases that expand without end': [
      `a: &a [1,1,1,1,1,1,1,1,1]\n${['b', 'c', 'd', 'e', 'f']
        .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdef'[index]}`).join(',')}]`)
        .join('\n')}\n`,
      'InvalidManifest',
      'my-move',
      false,
    ],
  };

  test.each(Object.entries(refused))('is refused for %s', (_what, [text, code, name, named]) => {
    const documents = readManifest('My move.yml', text);
    expect(documents).toHaveLength(1);
    expect(documents[0]).toMatchObject({ key: { name }, named, parsed: { ok: false, code } });
    expect(documents[0]?.parsed).toHaveProperty('message', expect.stringMatching(/\S/));
  });

  test('counts as a whole or not at all when its syntax is broken', () => {
    expect(readManifest('a.yaml', `${GOOD}---\nspec: [\n`)).toMatchObject([
      { named: false, key: { name: 'a' } },
    ]);
  });

  test.each(['___.yaml', '..yaml', `${'x'.repeat(300)}.yaml`])('finds a usable name for %s', (fileName) => {
    const [document] = readManifest(fileName, 'spec: [');
    expect(document?.key.name).toMatch(/^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/);
  });
});
