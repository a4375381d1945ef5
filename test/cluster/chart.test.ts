import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseConfig } from '@transship/node-agent/internal/config';
import { parseDevicesFile } from '@transship/node-agent/internal/device/devices-file';
import { parseAllDocuments } from 'yaml';
import { projectRoot } from '../support/processes.ts';
import { clusterAssets } from './rig/assets.ts';
import { runTool } from './rig/tool.ts';

const chart = join(projectRoot, 'charts', 'transship');
const HOOKS = '/run/transship/hooks';
const KUBE_VERSION = ['--kube-version', '1.35.0'];

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly webhooks?: readonly { readonly clientConfig: object }[];
  readonly rules?: readonly { readonly resources: readonly string[] }[];
}

interface AgentSpec {
  readonly template: {
    readonly spec: {
      readonly containers: readonly {
        readonly args: readonly string[];
        readonly volumeMounts: readonly object[];
      }[];
      readonly volumes: readonly object[];
    };
  };
}

let helm: string;
let folder: string;

beforeAll(async () => {
  helm = join(await clusterAssets('helm'), 'helm');
  folder = await mkdtemp(join(tmpdir(), 'transship-chart-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function runHelm(command: 'lint' | 'template', values: object, options: readonly string[] = []) {
  const file = join(folder, 'values.json');
  await writeFile(file, JSON.stringify(values));
  const args = command === 'lint' ? ['lint', chart] : ['template', 'trial', chart];
  return runTool(helm, [...args, ...KUBE_VERSION, ...options, '-f', file], {
    env: { HOME: folder, PATH: process.env['PATH'] ?? '' },
    timeoutMs: 60_000,
  });
}

async function render(values: object): Promise<Manifest[]> {
  const { code, stdout, stderr } = await runHelm('template', values);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return parseAllDocuments(stdout).flatMap((document) => (document.toJS() as Manifest | null) ?? []);
}

const named = (manifests: readonly Manifest[], kind: string, name: string): Manifest | undefined =>
  manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);

const config = (nodes: object): object => ({ agent: { devicesConfig: nodes } });

const TRAINER = {
  devices: [
    { id: 'gpu-a/0000:3b:00.1', address: '0000:3b:00.1' },
    { id: 'gpu-a/nic', address: '0000:5e:00.2', interface: 'cdev', allocationIds: ['gpu-a/nic-0'] },
    { id: 'gpu-a/9', vfioUser: '/run/transship/devices/9.sock', group: 2 },
  ],
  workloads: [
    { name: 'trainer', devices: ['gpu-a/0000:3b:00.1', 'gpu-a/nic'], uid: 1_000_000 },
    { name: 'soft', devices: ['gpu-a/9'], hook: '/run/transship/hooks/soft/x.sock', uid: 1001 },
  ],
};
const EMULATED = {
  devices: [{ id: 'gpu-b/0', vfioUser: '/run/transship/devices/0.sock' }],
  workload: { emulatorControl: '/run/transship/devices/control.sock' },
};

describe('the chart', () => {
  test('lints as it is and with devices of every kind', async () => {
    expect(await runHelm('lint', {})).toMatchObject({ code: 0 });
    expect(await runHelm('lint', config({ 'gpu-a': TRAINER, 'gpu-b': EMULATED }))).toMatchObject({ code: 0 });
  });

  test('writes devices files that the agent of each node takes', async () => {
    const manifests = await render(config({ 'gpu-a': TRAINER, 'gpu-b': EMULATED }));
    const { data = {} } = named(manifests, 'ConfigMap', 'trial-transship-agent-devices') ?? {};
    expect(parseDevicesFile(data['gpu-a.yaml'] ?? '', 'gpu-a')).toEqual({
      broker: '/run/transship/broker/agent/agent.sock',
      devices: [
        { id: 'gpu-a/0000:3b:00.1', broker: '0000-3b-00.1', pciAddress: '0000:3b:00.1' },
        {
          ...{ id: 'gpu-a/nic', broker: 'nic', pciAddress: '0000:5e:00.2' },
          allocationIds: ['gpu-a/nic-0'],
        },
        { id: 'gpu-a/9', vfioUser: '/run/transship/devices/9.sock', group: 2 },
      ],
      workloads: [
        {
          name: 'trainer',
          hook: '/run/transship/hooks/trainer/hook.sock',
          devices: ['gpu-a/0000:3b:00.1', 'gpu-a/nic'],
          uid: 1_000_000,
        },
        { name: 'soft', hook: '/run/transship/hooks/soft/x.sock', devices: ['gpu-a/9'], uid: 1001 },
      ],
    });
    expect(parseDevicesFile(data['gpu-b.yaml'] ?? '', 'gpu-b')).toMatchObject({ workloads: [] });
  });

  test('gives the broker of a node its devices and workloads under the names that the agent uses', async () => {
    const manifests = await render(config({ 'gpu-a': TRAINER, 'gpu-b': EMULATED }));
    const { data = {} } = named(manifests, 'ConfigMap', 'trial-transship-broker') ?? {};
    expect(Object.keys(data)).toEqual(['gpu-a']);
    expect(data['gpu-a']?.trim().split('\n')).toEqual([
      ...['--agent-socket', '/run/transship/broker/agent/agent.sock', '--agent-uid', '0'],
      ...['--device', 'name=0000-3b-00.1,address=0000:3b:00.1,workload=trainer'],
      ...['--device', 'name=nic,address=0000:5e:00.2,workload=trainer,interface=cdev'],
      '--workload-socket',
      'name=trainer,path=/run/transship/broker/workloads/trainer/workload.sock,uid=1000000',
    ]);
  });

  test('runs brokers only where there are devices to keep, and never replaces one by itself', async () => {
    const manifests = await render(config({ 'gpu-a': TRAINER, 'gpu-b': EMULATED }));
    const broker = named(manifests, 'DaemonSet', 'trial-transship-broker');
    expect(broker?.spec).toMatchObject({ updateStrategy: { type: 'OnDelete' } });
    const nodes = JSON.stringify(broker?.spec);
    expect([nodes.includes('"gpu-a"'), nodes.includes('"gpu-b"')]).toEqual([true, false]);
    const agent = JSON.stringify(named(manifests, 'DaemonSet', 'trial-transship-agent')?.spec);
    for (const path of ['/run/transship/broker/agent', '/run/transship/hooks'])
      expect(agent).toContain(`"${path}"`);
    // Whoever has the folder above could replace what a workload gets from the broker.
    expect(agent).not.toContain('"/run/transship/broker"');
  });

  test('gives each workload folders of its own and lets only its user make the hook', async () => {
    const manifests = await render(config({ 'gpu-a': TRAINER, 'gpu-b': EMULATED }));
    const { data = {} } = named(manifests, 'ConfigMap', 'trial-transship-folders') ?? {};
    expect(data['gpu-a.agent']?.trim().split('\n')).toEqual([
      '/run/transship/hooks 0 0711',
      '/run/transship/hooks/trainer 1000000 2750',
      '/run/transship/hooks/soft 1001 2750',
    ]);
    expect(data['gpu-a.broker']?.trim().split('\n')).toEqual([
      '/run/transship/broker 0 0711',
      '/run/transship/broker/agent 0 0700',
      '/run/transship/broker/workloads 0 0711',
      '/run/transship/broker/workloads/trainer 0 0711',
      '/run/transship/broker/workloads/soft 0 0711',
    ]);
    expect(data['gpu-b.agent']).toBe('/run/transship/hooks 0 0711\n');
  });

  test('installs no broker without devices of the kernel', async () => {
    const manifests = await render(config({ 'gpu-b': EMULATED }));
    expect(manifests.filter(({ metadata }) => metadata.name.endsWith('-broker'))).toEqual([]);
    const agent = JSON.stringify(named(manifests, 'DaemonSet', 'trial-transship-agent')?.spec);
    expect(agent).not.toContain('/run/transship/broker');
  });

  test.each([
    ['a device of another node', { devices: [{ id: 'gpu-b/0', address: 'x' }] }, 'must begin with gpu-a/'],
    ['a device with two doors', { devices: [{ ...TRAINER.devices[0], vfioUser: '/x' }] }, 'devicesConfig'],
    [
      'two devices of one name at the broker',
      {
        devices: [
          { id: 'gpu-a/a:b', address: 'x' },
          { id: 'gpu-a/a-b', address: 'y' },
        ],
      },
      'the name a-b at the broker',
    ],
    ['an address that is several words', { devices: [{ id: 'gpu-a/0', address: 'x,process=1' }] }, 'address'],
    [
      'a workload of a device that is not listed',
      { ...TRAINER, workloads: [{ name: 'a', devices: ['gpu-a/7'], uid: 1 }] },
      'gpu-a/7',
    ],
    [
      'a device of two workloads',
      {
        ...TRAINER,
        workloads: [
          { name: 'a', devices: ['gpu-a/9'], uid: 1 },
          { name: 'b', devices: ['gpu-a/9'], uid: 2 },
        ],
      },
      'two workloads have the device gpu-a/9',
    ],
    [
      'two workloads of one name',
      {
        ...TRAINER,
        workloads: [
          { name: 'a', devices: ['gpu-a/9'], uid: 1 },
          { name: 'a', devices: ['gpu-a/nic'], uid: 2 },
        ],
      },
      'two workloads are called a',
    ],
    ...['/tmp/x', `${HOOKS}/b/x`, `${HOOKS}/x`, `${HOOKS}/a/../b/x`].map(
      (hook) =>
        [
          `a hook at ${hook}`,
          { ...TRAINER, workloads: [{ name: 'a', devices: ['gpu-a/9'], uid: 1, hook }] },
          `(${HOOKS}/a/)`,
        ] as const,
    ),
    ['a workload without a uid', { ...TRAINER, workloads: [{ name: 'a', devices: ['gpu-a/9'] }] }, 'uid'],
    ['a workload of root', { ...TRAINER, workloads: [{ name: 'a', devices: ['gpu-a/9'], uid: 0 }] }, 'uid'],
  ])('refuses %s and says why', async (_, node, why) => {
    const { code, stderr } = await runHelm('template', config({ 'gpu-a': node }));
    expect(code).not.toBe(0);
    expect(stderr).toContain(why);
  });

  test.each([[{}], [{ uid: 0 }]])('refuses a workload with %j also without the schema', async (uid) => {
    const workloads = [{ name: 'a', devices: ['gpu-a/9'], ...uid }];
    const values = config({ 'gpu-a': { ...TRAINER, workloads } });
    const { code, stderr } = await runHelm('template', values, ['--skip-schema-validation']);
    expect(code).not.toBe(0);
    expect(stderr).toContain('the workload a needs a uid that is not 0');
  });

  test('refuses hooks in the folder of the broker, and the other way round', async () => {
    for (const [hooksDir, socketsDir] of [
      ['/run/a', '/run/a'],
      ['/run/a/b', '/run/a'],
      ['/run/a', '/run/a/b'],
    ]) {
      const values = { agent: { devicesConfig: { 'gpu-a': TRAINER }, hooksDir }, broker: { socketsDir } };
      const { code, stderr } = await runHelm('template', values);
      expect(code).not.toBe(0);
      expect(stderr).toContain('must not lie in each other');
    }
  });

  test('lets agents ask the kubelet only where evictions are turned into migrations', async () => {
    const agent = {
      devicesConfig: { 'gpu-a': TRAINER },
      podResourceNames: ['example.com/gpu', 'gpu.example.com'],
    };
    const podOf = async (values: object) => {
      const { spec } = named(await render(values), 'DaemonSet', 'trial-transship-agent') ?? {};
      const pod = (spec as unknown as AgentSpec).template.spec;
      const args = pod.containers[0]?.args.map((word) => word.replaceAll('$(NODE_NAME)', 'gpu-a')) ?? [];
      return { config: parseConfig(args.map((word) => word.replaceAll('$(POD_IP)', '10.0.0.1'))), ...pod };
    };
    const off = await podOf({ agent });
    expect(off.config.podResources).toBeNull();
    expect(JSON.stringify(off)).not.toContain('/var/lib/kubelet');
    const on = await podOf({ agent, drain: { enabled: true } });
    const dir = '/var/lib/kubelet/pod-resources';
    expect(on.config.podResources).toEqual({
      socket: `${dir}/kubelet.sock`,
      managed: ['example.com/gpu', 'gpu.example.com'],
    });
    expect(on.containers[0]?.volumeMounts).toContainEqual({
      ...{ name: 'pod-resources', mountPath: dir, readOnly: true },
    });
    expect(on.volumes).toContainEqual({
      ...{ name: 'pod-resources', hostPath: { path: dir, type: 'DirectoryOrCreate' } },
    });
  });

  test('asks the operator before evictions only when told to', async () => {
    const off = await render({});
    expect(named(off, 'ValidatingWebhookConfiguration', 'trial-transship-eviction')).toBeUndefined();
    expect(JSON.stringify(off)).not.toContain('--webhook');
    const on = await render({
      drain: { enabled: true, excludedNamespaces: ['infra'], failurePolicy: 'Fail' },
    });
    const [webhook] = named(on, 'ValidatingWebhookConfiguration', 'trial-transship-eviction')?.webhooks ?? [];
    expect(webhook).toMatchObject({
      failurePolicy: 'Fail',
      sideEffects: 'NoneOnDryRun',
      namespaceSelector: { matchExpressions: [{ values: ['default', 'kube-system', 'infra'] }] },
    });
    expect(webhook?.clientConfig).not.toHaveProperty('caBundle');
    const operator = JSON.stringify(named(on, 'Deployment', 'trial-transship-operator')?.spec);
    expect(operator).toContain('"--webhook-name","trial-transship-webhook.default.svc"');
    // Whoever may write a Secret of any name may read tokens of any account.
    const rules = on.filter(({ kind }) => kind.endsWith('Role')).flatMap(({ rules: found = [] }) => found);
    const secrets = rules.filter(({ resources }) => resources.includes('secrets'));
    expect(secrets).toEqual([
      {
        apiGroups: [''],
        resources: ['secrets'],
        resourceNames: ['trial-transship-webhook-tls'],
        verbs: ['get', 'patch'],
      },
    ]);
  });

  test.each([
    ['the port of its health server', { port: 8080 }],
    ['a policy that is none', { failurePolicy: 'Maybe' }],
    ['a longer wait than an API server has', { timeoutSeconds: 31 }],
  ])('refuses a webhook with %s', async (_, drain) => {
    const { code, stderr } = await runHelm('template', { drain: { enabled: true, ...drain } });
    expect(code).not.toBe(0);
    expect(stderr).toContain('/drain/');
  });

  test('binds what listenHost says, for clusters of IPv6', async () => {
    const manifests = await render({ agent: { devicesConfig: { 'gpu-b': EMULATED }, listenHost: '[::]' } });
    const agent = named(manifests, 'DaemonSet', 'trial-transship-agent');
    expect(JSON.stringify(agent?.spec)).toContain('"[::]:7443"');
  });
});
