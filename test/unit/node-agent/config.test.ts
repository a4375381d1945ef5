import { describe, expect, test } from '@jest/globals';
import { parseConfig } from '@transship/node-agent/internal/config';

const needed = [
  ...['--node-name', 'gpu-a', '--listen', '0.0.0.0:7443', '--state-dir', '/var/lib/transship'],
  ...['--tls-cert', 'tls.crt', '--tls-key', 'tls.key', '--tls-ca', 'ca.crt', '--devices', 'gpu-a.yaml'],
];

describe('the command line of the agent', () => {
  test('needs no more than names and files', () => {
    expect(parseConfig(needed)).toEqual({
      nodeName: 'gpu-a',
      listen: '0.0.0.0:7443',
      advertise: null,
      tls: { cert: 'tls.crt', key: 'tls.key', ca: 'ca.crt' },
      stateDir: '/var/lib/transship',
      devices: 'gpu-a.yaml',
      healthPort: null,
      publishInventory: false,
      podResources: null,
      kubeconfig: null,
      operatorTimeoutMs: 60_000,
      operationTimeoutMs: 30_000,
      transfer: { windowBytes: 16 * 1024 * 1024, frameBytes: 1024 * 1024 },
      finalPass: { bytes: 4 * 1024 ** 4, timeoutMs: 60 * 60_000 },
      logLevel: 'info',
    });
  });

  test('is what the chart passes', () => {
    const chart = ['--advertise', '10.1.2.3:7443', '--health-port', '8081', '--publish-inventory'];
    expect(parseConfig([...needed, ...chart])).toMatchObject({
      advertise: '10.1.2.3:7443',
      healthPort: 8081,
      publishInventory: true,
    });
  });

  test('may say where the kubelet is, and whose devices it gives to pods', () => {
    const socket = '/var/lib/kubelet/pod-resources/kubelet.sock';
    const asked = [...needed, '--pod-resources', socket];
    expect(parseConfig(asked).podResources).toEqual({ socket, managed: [] });
    const names = ['--pod-resource-names', 'example.com/gpu', '--pod-resource-names', 'gpu.example.com'];
    expect(parseConfig([...asked, ...names]).podResources).toEqual({
      socket,
      managed: ['example.com/gpu', 'gpu.example.com'],
    });
    expect(() => parseConfig([...needed, ...names])).toThrow('--pod-resources');
    expect(() => parseConfig([...needed, '--pod-resources', 'kubelet.sock'])).toThrow('absolute');
    expect(() => parseConfig([...asked, '--pod-resource-names', 'a b'])).toThrow('name of a resource');
  });

  test.each([
    ['fd00::1:7443', '[fd00::1]:7443'],
    ['[fd00::1]:7443', '[fd00::1]:7443'],
    ['gpu-a:7443', 'gpu-a:7443'],
  ])('takes the address %s as %s, so that an IPv6 one of the pod serves as it is', (given, address) => {
    expect(parseConfig([...needed, '--advertise', given]).advertise).toBe(address);
  });

  test.each([
    [['--node-name', 'GPU A'], 'node'],
    [['--listen', 'somewhere'], 'HOST:PORT'],
    [['--health-port', '70000'], 'healthPort'],
    [['--operator-timeout', 'soon'], 'duration'],
    [['--operator-timeout', '1ms'], 'operatorTimeoutMs'],
    [['--frame-bytes', '2000000'], 'frameBytes'],
    [['--window-bytes', '1000', '--frame-bytes', '1001'], 'frame-bytes'],
    [['--log-level', 'loud'], 'logLevel'],
  ])('with %p is refused and the message says what', (args, message) => {
    expect(() => parseConfig([...needed, ...args])).toThrow(expect.objectContaining({ name: 'ConfigError' }));
    expect(() => parseConfig([...needed, ...args])).toThrow(message);
  });
});
