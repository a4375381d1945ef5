import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { clusterAssets } from './assets.ts';
import { ControlPlane } from './control-plane.ts';

const WIDGETS = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.rig.transship.dev' },
  spec: {
    group: 'rig.transship.dev',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } },
            'x-kubernetes-validations': [{ rule: 'self.spec.size > 0', message: 'size must be positive' }],
          },
        },
      },
    ],
  },
};

const widget = (name: string, size: number) =>
  JSON.stringify({ apiVersion: 'rig.transship.dev/v1', kind: 'Widget', metadata: { name }, spec: { size } });

const isAlive = (pid: number) => existsSync(`/proc/${pid}`);

let assetsDir: string;
let folder: string;

beforeAll(async () => {
  assetsDir = await clusterAssets();
  folder = await mkdtemp(join(tmpdir(), 'transship-rig-'));
}, 90 * 60_000);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('a running control plane', () => {
  let controlPlane: ControlPlane;

  beforeAll(async () => {
    controlPlane = await ControlPlane.start({ assetsDir, workDir: join(folder, 'running') });
    await succeed(['apply', '-f', '-'], JSON.stringify(WIDGETS));
    await succeed(['wait', '--for=condition=Established', '--timeout=60s', 'crd/widgets.rig.transship.dev']);
  }, 300_000);

  afterAll(() => controlPlane.stop());

  async function succeed(args: readonly string[], input = ''): Promise<string> {
    const { code, stdout, stderr } = await controlPlane.run('kubectl', args, { input });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout;
  }

  test('keeps custom resources and refuses one that breaks a CEL rule', async () => {
    await succeed(['create', '-f', '-'], widget('good', 1));
    const refused = await controlPlane.run('kubectl', ['create', '-f', '-'], { input: widget('bad', 0) });

    expect(await succeed(['get', 'widgets', '-o', 'name'])).toBe('widget.rig.transship.dev/good\n');
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('size must be positive') });
  });

  test('enforces a ValidatingAdmissionPolicy', async () => {
    const policy = {
      apiVersion: 'v1',
      kind: 'List',
      items: [
        {
          apiVersion: 'admissionregistration.k8s.io/v1',
          kind: 'ValidatingAdmissionPolicy',
          metadata: { name: 'small-widgets' },
          spec: {
            matchConstraints: {
              resourceRules: [
                {
                  apiGroups: ['rig.transship.dev'],
                  apiVersions: ['v1'],
                  resources: ['widgets'],
                  operations: ['CREATE'],
                },
              ],
            },
            validations: [{ expression: 'object.spec.size < 100', message: 'too large for the policy' }],
          },
        },
        {
          apiVersion: 'admissionregistration.k8s.io/v1',
          kind: 'ValidatingAdmissionPolicyBinding',
          metadata: { name: 'small-widgets' },
          spec: { policyName: 'small-widgets', validationActions: ['Deny'] },
        },
      ],
    };
    await succeed(['apply', '-f', '-'], JSON.stringify(policy));

    // The API server takes up a new policy within moments, but not at once; a dry run leaves nothing behind.
    let stderr = '';
    for (const deadline = Date.now() + 90_000; stderr === '' && Date.now() < deadline;) {
      const create = ['create', '--dry-run=server', '-f', '-'];
      ({ stderr } = await controlPlane.run('kubectl', create, { input: widget('huge', 100) }));
    }
    expect(stderr).toContain('too large for the policy');
  });

  test('denies a service account what no role grants it, and allows it what one does', async () => {
    await succeed(['create', 'serviceaccount', 'reader']);
    const kubeconfig = await controlPlane.kubeconfigFor('default', 'reader');
    const list = () => controlPlane.run('kubectl', ['get', 'widgets', '-o', 'name'], { kubeconfig });

    expect(await list()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('User "system:serviceaccount:default:reader" cannot list resource'),
    });

    await succeed(['create', 'role', 'reader', '--verb=list', '--resource=widgets.rig.transship.dev']);
    await succeed(['create', 'rolebinding', 'reader', '--role=reader', '--serviceaccount=default:reader']);
    expect(await list()).toMatchObject({ code: 0, stderr: '' });

    const erase = await controlPlane.run('kubectl', ['delete', 'widgets', '--all'], { kubeconfig });
    expect(erase).toMatchObject({ code: 1, stderr: expect.stringContaining('forbidden') });
  });

  test('gives no kubeconfig for a service account that does not exist', async () => {
    await expect(controlPlane.kubeconfigFor('default', 'nobody')).rejects.toThrow('HTTP 404');
  });

  test('keeps objects, address and tokens over a restart of the API server', async () => {
    await succeed(['create', 'configmap', 'kept']);
    await succeed(['create', 'serviceaccount', 'survivor']);
    const kubeconfig = await controlPlane.kubeconfigFor('default', 'survivor');
    const [etcd, before] = controlPlane.pids;

    await controlPlane.restartApiServer();

    const [sameEtcd, after] = controlPlane.pids;
    expect(sameEtcd).toBe(etcd);
    expect(after).not.toBe(before);
    expect(await succeed(['get', 'configmap', 'kept', '-o', 'name'])).toBe('configmap/kept\n');
    const whoami = await controlPlane.run('kubectl', ['auth', 'whoami', '-o', 'name'], { kubeconfig });
    expect(whoami.code).toBe(0);
  });

  test('keeps objects over a death of etcd, which the API server outlives', async () => {
    await succeed(['create', 'configmap', 'outlasting']);
    const { etcdPid, apiServerPid } = controlPlane;

    const { name, pid, signal } = await controlPlane.killEtcd();
    expect({ name, pid, signal }).toEqual({ name: 'etcd', pid: etcdPid, signal: 'SIGKILL' });
    await controlPlane.restartEtcd();

    expect(controlPlane.etcdPid).not.toBe(etcdPid);
    expect(controlPlane.apiServerPid).toBe(apiServerPid);
    expect(await succeed(['get', 'configmap', 'outlasting', '-o', 'name'])).toBe('configmap/outlasting\n');
  });

  test('refuses connections while the API server is killed', async () => {
    await controlPlane.killApiServer();
    try {
      const { code, stderr } = await controlPlane.run('kubectl', ['get', 'nodes']);
      expect(code).toBe(1);
      expect(stderr).toContain('refused');
    } finally {
      await controlPlane.restartApiServer();
    }
  });

  test('answers nothing while paused, and answers again after', async () => {
    controlPlane.pauseApiServer();
    try {
      const { code, stderr } = await controlPlane.run('kubectl', ['get', 'nodes', '--request-timeout=2s']);
      expect(code).toBe(1);
      expect(stderr).toMatch(/timeout|timed out|deadline exceeded/i);
    } finally {
      await controlPlane.resumeApiServer();
    }
    await succeed(['get', 'namespace', 'default']);
  });

  test('installs a chart with helm', async () => {
    const chart = join(folder, 'chart');
    await controlPlane.run('helm', ['create', chart]);
    const { code, stderr } = await controlPlane.run('helm', ['install', 'trial', chart]);

    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(await succeed(['get', 'deployment', '-o', 'name'])).toBe('deployment.apps/trial-chart\n');
  });
});

describe('the processes of a control plane', () => {
  test('are gone after stop, even when the API server was paused', async () => {
    const controlPlane = await ControlPlane.start({ assetsDir, workDir: join(folder, 'stopped') });
    const pids = controlPlane.pids;
    expect(pids.map(isAlive)).toEqual([true, true]);

    controlPlane.pauseApiServer();
    await controlPlane.stop();
    await controlPlane.stop();

    expect(pids.map(isAlive)).toEqual([false, false]);
    expect(controlPlane.pids).toEqual([]);
  });

  test('are gone soon after the process that started them is killed', async () => {
    const options = JSON.stringify({ assetsDir, workDir: join(folder, 'orphaned') });
    const script = `
      import { ControlPlane } from ${JSON.stringify(join(import.meta.dirname, 'control-plane.ts'))};
      const { pids } = await ControlPlane.start(${options});
      console.log(JSON.stringify(pids));
      setTimeout(() => undefined, 600_000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const [line] = (await once(parent.stdout, 'data')) as [Buffer];
      const pids = JSON.parse(line.toString()) as number[];
      expect(pids.map(isAlive)).toEqual([true, true]);

      parent.kill('SIGKILL');
      const deadline = Date.now() + 60_000;
      while (pids.some(isAlive) && Date.now() < deadline) await sleep(50);
      expect(pids.map(isAlive)).toEqual([false, false]);
    } finally {
      parent.kill('SIGKILL');
    }
  });

  test('are gone when the API server ends at start-up, and its log is quoted', async () => {
    const broken = await mkdtemp(join(folder, 'broken-'));
    const pidFile = join(broken, 'etcd.pid');
    await writeScript(join(broken, 'etcd'), `echo $$ > ${pidFile}; exec ${join(assetsDir, 'etcd')} "$@"`);
    await writeScript(join(broken, 'kube-apiserver'), 'echo out of cheese >&2; exit 3');

    const start = ControlPlane.start({ assetsDir: broken, workDir: join(broken, 'work') });
    await expect(start).rejects.toThrow(/kube-apiserver ended \(exit code 3\)[^]*out of cheese/);
    expect(isAlive(Number(await readFile(pidFile, 'utf8')))).toBe(false);
  });

  test('never start when the folder of programs lacks one', async () => {
    const partial = await mkdtemp(join(folder, 'partial-'));
    await symlink(join(assetsDir, 'kube-apiserver'), join(partial, 'kube-apiserver'));

    const start = ControlPlane.start({ assetsDir: partial, workDir: join(partial, 'work') });
    await expect(start).rejects.toThrow(/etcd ended \(exit code 127\)[^]*No such file/);
  });
});

async function writeScript(path: string, body: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
}
