import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { issueTestPki, type TestPki } from '../support/certificates.ts';
import { eventually, type ManagedProcess } from '../support/managed-process.ts';
import { startKubeOperator } from '../support/processes.ts';
import { freePorts } from './rig/ports.ts';
import { EvictionRig, PATIENCE_MS, SECRET } from './eviction-rig.ts';

/** Building the control plane takes minutes when the cache is cold. */
const START_DEADLINE_MS = 90 * 60_000;
const CASE_DEADLINE_MS = 500_000;

let rig: EvictionRig;
let pki: TestPki;

beforeAll(async () => {
  rig = await EvictionRig.start();
  pki = await issueTestPki(rig.path('pki'), []);
}, START_DEADLINE_MS);
afterAll(() => rig[Symbol.asyncDispose]());

/** As the chart starts it, but for the address that the API server calls. */
const startReplica = (name: string, port: number, secret = SECRET.name): Promise<ManagedProcess> =>
  startKubeOperator({
    kubeconfig: rig.operatorKubeconfig,
    namespace: SECRET.namespace,
    logFile: rig.path(`${name}.log`),
    tls: pki.operator,
    args: [
      ...['--webhook-port', String(port), '--webhook-host', '127.0.0.1', '--webhook-name', '127.0.0.1'],
      ...['--webhook-secret', secret],
    ],
  });

const says = (replica: ManagedProcess, message: string): Promise<boolean> =>
  replica.waitForLog((log) => (log.includes(`"msg":"${message}"`) ? true : null), PATIENCE_MS);

/** Answer of /readyz. */
async function readiness(replica: ManagedProcess): Promise<string> {
  const healthPort = /"healthPort":(\d+)/.exec(await replica.log())?.[1];
  const url = `http://127.0.0.1:${healthPort}/readyz`;
  const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
  return `${response.status} ${(await response.text()).trim()}`;
}

test(
  'a replica that does not lead answers, and goes on when the one that leads is killed',
  async () => {
    const [elsewhere] = (await freePorts(1)) as [number];
    await using leader = await startReplica('leader', elsewhere);
    await says(leader, 'leading');
    await using standby = await startReplica('standby', rig.port);
    await says(standby, 'the webhook listens');
    await eventually('the standby is ready', PATIENCE_MS, async () =>
      (await readiness(standby)) === '200 ok' ? true : null,
    );
    const node = await rig.newNode();
    const labels = { 'transship.dev/migrate-on-drain': 'true' };
    const pod = await rig.runPod(node, 'trainer', { labels });
    const evicted = (): Promise<string> => rig.evict(pod).then(({ stderr }) => stderr);
    await eventually('the API server trusts the webhook', PATIENCE_MS, async () => {
      const { stderr } = await rig.evict(pod, { dryRun: ['All'] });
      return stderr.includes('would be moved') ? true : null;
    });
    expect(await evicted()).toContain(`DeviceMigration default/evac-${pod.uid}`);
    expect((await rig.migrations()).map(({ metadata }) => metadata.name)).toEqual([`evac-${pod.uid}`]);
    expect(await standby.log()).toContain('an eviction asks for a migration');
    expect(await standby.log()).not.toContain('"msg":"leading"');
    await leader.kill();
    expect(await evicted()).toContain(`DeviceMigration default/evac-${pod.uid}`);
    await says(standby, 'leading');
    await standby.stop();
    expect(standby.exitCode).toBe(0);
  },
  CASE_DEADLINE_MS,
);

test(
  'a replica without a certificate is not ready',
  async () => {
    await using replica = await startReplica('bare', rig.port, 'another-secret');
    await eventually('the rest is ready', PATIENCE_MS, async () =>
      (await readiness(replica)) === '503 webhook' ? true : null,
    );
    expect(await replica.log()).toContain('there is no new certificate to serve the webhook with');
  },
  CASE_DEADLINE_MS,
);
