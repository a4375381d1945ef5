import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { addRecoverOptions, recoverConfig } from '@transship/operator/internal/cli/recover-options';

const UID = '3f0c7a54-7d5e-4d39-9f07-0f6a4c3f6c11';
const PROOF = 'unplugged, seen on site';
const TLS = ['--tls-cert', 'c', '--tls-key', 'k', '--tls-ca', 'a'];

function read(...args: string[]) {
  const command = addRecoverOptions(new Command('recover')).exitOverride();
  command.configureOutput({ writeErr: () => undefined });
  command.parse([...TLS, ...args], { from: 'user' });
  return recoverConfig(command.args[0], command.opts());
}

describe('the command line of transship recover', () => {
  test('asks for one thing, of a migration, an orphan or a device', () => {
    expect(read('ml/a', '--source', '--target-is-dead', ` ${PROOF} `)).toMatchObject({
      request: { kind: 'source', proof: PROOF },
      key: { namespace: 'ml', name: 'a' },
      yes: false,
      json: false,
      timeoutMs: 600_000,
    });
    expect(read('a', '-n', 'ml', '--discard', '--yes', '-o', 'json', '--timeout', '90s')).toMatchObject({
      request: { kind: 'discard' },
      key: { namespace: 'ml', name: 'a' },
      yes: true,
      json: true,
      timeoutMs: 90_000,
    });
    expect(read('ml/a', '--source-is-dead', ` ${PROOF} `)).toMatchObject({
      request: { kind: 'sourceDead', proof: PROOF, unknownIsSilent: true },
      key: { namespace: 'ml', name: 'a' },
    });
    const folder = ['--manifests', 'dir', '--agent', 'gpu-a=a:1'];
    expect(read('a', '--source-is-dead', PROOF, ...folder).request).toMatchObject({ unknownIsSilent: false });
    expect(read('--orphan', UID, '--node', 'n', '--run', '--source-is-dead', PROOF).request).toMatchObject({
      end: 'run',
      proof: null,
      sourceProof: PROOF,
    });
    expect(read('--orphan', UID, '--node', 'gpu-a', '--run')).toMatchObject({
      request: { kind: 'orphan', uid: UID, node: 'gpu-a', end: 'run', proof: null },
      key: null,
    });
    expect(read('--device', 'gpu-a/0', '--node', 'gpu-a').request).toEqual({
      kind: 'device',
      device: 'gpu-a/0',
      node: 'gpu-a',
    });
  });

  test('a bare name is of the namespace default with Kubernetes, and of none in a folder', () => {
    expect(read('a', '--discard').key).toEqual({ namespace: 'default', name: 'a' });
    const folder = ['--manifests', 'dir', '--agent', 'gpu-a=a:1'];
    expect(read('a', '--discard', ...folder).key).toEqual({ namespace: '', name: 'a' });
  });

  const wrong: Record<string, [args: string[], sentence: string]> = {
    nothing: [[], 'name one of'],
    'two things': [['a', '--orphan', UID], 'name one of'],
    'a migration and no end': [['a'], 'one of --source'],
    'two ends': [['a', '--source', '--discard'], 'one of --source'],
    'an end of orphans': [['a', '--run'], 'one of --source'],
    'a source without proof': [['a', '--source'], '--target-is-dead'],
    'a proof that says nothing': [['a', '--source', '--target-is-dead', 'yes'], 'a sentence of 10'],
    'a dead source and an end': [['a', '--discard', '--source-is-dead', PROOF], 'go alone'],
    'two dead sides': [['a', '--source-is-dead', PROOF, '--target-is-dead', PROOF], 'go alone'],
    'a dead source of a set to discard': [
      ['--orphan', UID, '--node', 'n', '--discard', '--source-is-dead', PROOF],
      'goes with --run',
    ],
    'a dead source of a device': [
      ['--device', 'n/0', '--node', 'n', '--source-is-dead', PROOF],
      '--node alone',
    ],
    'a proof of a source that says nothing': [['a', '--source-is-dead', 'yes'], '--source-is-dead takes'],
    'a node of a migration': [['a', '--discard', '--node', 'gpu-a'], '--node goes with'],
    'an orphan without node': [['--orphan', UID, '--run'], '--orphan needs --node'],
    'an orphan that is no UID': [['--orphan', 'x', '--node', 'n', '--run'], 'the UID'],
    'an orphan without end': [['--orphan', UID, '--node', 'n'], 'either --run or --discard'],
    'a device without node': [['--device', 'n/0'], '--device needs --node'],
    'a device with an end': [['--device', 'n/0', '--node', 'n', '--discard'], '--node alone'],
    'a name of three parts': [['a/b/c', '--discard'], 'NAMESPACE/NAME'],
    'two namespaces': [['a/b', '-n', 'c', '--discard'], 'different namespaces'],
    'a folder without agents': [['a', '--discard', '--manifests', 'd'], '--agent'],
    'both doors': [
      ['a', '--discard', '--manifests', 'd', '--agent', 'n=h:1', '--kubeconfig', 'k'],
      'without Kubernetes',
    ],
    'an unknown format': [['a', '--discard', '-o', 'xml'], 'text, json'],
    'a time that is none': [['a', '--discard', '--timeout', 'soon'], 'a duration'],
    'a time without an end': [['a', '--discard', '--timeout', '2h'], '1s to 1h'],
  };

  test.each(Object.entries(wrong))('is refused with %s', (_what, [args, sentence]) => {
    expect(() => read(...args)).toThrow(sentence);
  });
});

describe('the environment', () => {
  const before = { ...process.env };
  beforeEach(() => {
    process.env['TRANSSHIP_MANIFESTS'] = 'folder';
    process.env['TRANSSHIP_AGENTS'] = 'gpu-a=a:1,gpu-b=b:2';
    process.env['TRANSSHIP_TLS_CERT'] = 'from the environment';
  });
  afterEach(() => {
    process.env = before;
  });

  test('holds what the operator was started with; a flag takes precedence', () => {
    const { flags } = read('a', '--discard');
    expect(flags).toMatchObject({ manifests: 'folder', tlsCert: 'c' });
    expect([...flags.agent]).toEqual([
      ['gpu-a', 'a:1'],
      ['gpu-b', 'b:2'],
    ]);
  });

  test('is checked as flags are', () => {
    process.env['TRANSSHIP_AGENTS'] = 'gpu-a';
    expect(() => read('a', '--discard')).toThrow('NODE=HOST:PORT');
  });
});
