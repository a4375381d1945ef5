import { describe, expect, test } from '@jest/globals';
import { ConfigError, readConfig } from '@transship/operator/internal/config';

const TLS = ['--tls-cert', 'c', '--tls-key', 'k', '--tls-ca', 'a'];
const read = (...args: string[]) => readConfig([...TLS, ...args]);

describe('the command line', () => {
  test('as the chart writes it works in a cluster', () => {
    expect(read('--leader-election-namespace', 'transship', '--health-port', '8080')).toEqual({
      mode: 'kubernetes',
      kubeconfig: null,
      leaderElection: { namespace: 'transship', name: 'transship-operator' },
      webhook: null,
      agents: new Map(),
      tls: { cert: 'c', key: 'k', ca: 'a' },
      health: { host: '0.0.0.0', port: 8080 },
      concurrency: 16,
      logLevel: 'info',
    });
  });

  test('turns evictions into migrations where a port is given', () => {
    const names = ['--webhook-name', 'w.transship.svc', '--webhook-name', '127.0.0.1'];
    const config = read('--leader-election-namespace', 'n', '--webhook-port', '9443', ...names);
    expect(config).toMatchObject({
      webhook: {
        host: '0.0.0.0',
        port: 9443,
        secret: 'transship-webhook-tls',
        configuration: 'transship-eviction',
        names: ['w.transship.svc', '127.0.0.1'],
      },
    });
  });

  test('may name a folder and where the agents listen', () => {
    const config = read('--manifests', 'dir', '--agent', 'gpu-a=10.0.0.1:7443', '--agent', 'gpu-b=[::1]:1');
    expect(config).toMatchObject({ mode: 'standalone', manifests: 'dir', health: null });
    expect([...config.agents]).toEqual([
      ['gpu-a', '10.0.0.1:7443'],
      ['gpu-b', '[::1]:1'],
    ]);
    expect(Object.isFrozen(config)).toBe(true);
  });

  const wrong: Record<string, [args: string[], sentence: string]> = {
    'neither a cluster nor a folder': [[], '--leader-election-namespace'],
    'both a cluster and a folder': [
      ['--manifests', 'd', '--agent', 'a=b:1', '--kubeconfig', 'k'],
      'without Kubernetes',
    ],
    'a folder without agents': [['--manifests', 'd'], '--agent'],
    'a port that is none': [['--leader-election-namespace', 'n', '--health-port', '99999'], 'health.port'],
    'no concurrency': [['--leader-election-namespace', 'n', '--concurrency', '0'], 'concurrency'],
    'a webhook without a name': [
      ['--leader-election-namespace', 'n', '--webhook-port', '9443'],
      '--webhook-name',
    ],
    'a webhook of an address of IPv6': [
      ['--leader-election-namespace', 'n', '--webhook-port', '9443', '--webhook-name', '::1'],
      'IPv4',
    ],
    'a webhook for a folder': [
      ['--manifests', 'd', '--agent', 'a=b:1', '--webhook-port', '1'],
      '--webhook-port',
    ],
    'an unknown level': [['--leader-election-namespace', 'n', '--log-level', 'loud'], 'logLevel'],
  };

  test.each(Object.entries(wrong))('is refused with %s', (_what, [args, sentence]) => {
    expect(() => read(...args)).toThrow(ConfigError);
    expect(() => read(...args)).toThrow(sentence);
  });
});
