import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CertificateKeeper } from '@transship/operator/internal/certificates/keeper';
import { LIFETIMES } from '@transship/operator/internal/certificates/plan';
import { CertificateSecret } from '@transship/operator/internal/certificates/secret';
import { ServingCertificate } from '@transship/operator/internal/certificates/source';
import { WebhookTrust } from '@transship/operator/internal/certificates/trust';
import { systemClock } from '@transship/operator/internal/clock';
import type { KubeTransport } from '@transship/operator/internal/kube/transport';
import { held, readReview } from '@transship/operator/internal/webhook/review';
import { WebhookServer } from '@transship/operator/internal/webhook/server';
import { eventually } from '../support/managed-process.ts';
import { silent } from './adapters/cluster.ts';
import { CONFIGURATION, EvictionRig, PATIENCE_MS, type RunningPod, SECRET } from './eviction-rig.ts';

/** Building the control plane takes minutes when the cache is cold. */
const START_DEADLINE_MS = 90 * 60_000;
const CASE_DEADLINE_MS = 500_000;
const SIGNAL = new AbortController().signal;
/** Due at every pass: each authority is followed by the next as soon as that is trusted. */
const ALWAYS = {
  ...LIFETIMES,
  authorityLeftMs: 2 * LIFETIMES.authorityMs,
  servingLeftMs: 2 * LIFETIMES.servingMs,
  publishedMs: 0,
};

let rig: EvictionRig;
let transport: KubeTransport;

beforeAll(async () => {
  // An API server that does not reach the webhook says so, instead of letting the eviction pass.
  rig = await EvictionRig.start(['drain.failurePolicy=Fail']);
  transport = rig.transport();
}, START_DEADLINE_MS);
afterAll(async () => {
  transport.close();
  await rig[Symbol.asyncDispose]();
});

/**
 * Returns once the API server has taken up everything that was written to webhook configurations: it takes them up in their
 * order, so a refusal by one that was written last tells.
 */
async function untilTakenUp(round: number): Promise<void> {
  const label = `round-${round}`;
  await rig.apply({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'last' },
    webhooks: [
      {
        name: 'last.example.com',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Fail',
        objectSelector: { matchLabels: { round: label } },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
        // Nobody listens.
        clientConfig: { url: 'https://127.0.0.1:1/' },
      },
    ],
  });
  const object = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'asked', labels: { round: label } },
  };
  await eventually('the API server has the newest configurations', PATIENCE_MS, async () => {
    const args = ['create', '--dry-run=server', '-f', '-'];
    const { stderr } = await rig.plane.run('kubectl', args, { input: JSON.stringify(object) });
    return stderr.includes('last.example.com') ? true : null;
  });
}

test(
  'authorities and certificates follow each other without a call that fails',
  async () => {
    const secret = new CertificateSecret(transport, SECRET);
    const trust = new WebhookTrust(transport, CONFIGURATION);
    const shared = { secret, trust, names: ['127.0.0.1'], clock: systemClock, log: silent };
    const keeper = new CertificateKeeper({ ...shared, lifetimes: ALWAYS });
    const replica = new ServingCertificate(secret, systemClock, silent);
    expect(await keeper.pass(SIGNAL)).toBe('begin');
    const { held: first } = await secret.read(SIGNAL);
    if (first === null) throw new Error('there is no certificate');
    await using server = await WebhookServer.listen({
      host: '127.0.0.1',
      port: rig.port,
      serving: first.serving,
      answer: async (body) => held(readReview(body)?.uid ?? '', 'answered by the webhook'),
    });
    const pod: RunningPod = await rig.runPod(await rig.newNode(), 'trainer');
    const answer = async (): Promise<string> => (await rig.evict(pod)).stderr;
    await untilTakenUp(0);
    expect(await answer()).toContain('answered by the webhook');

    const steps: string[] = [];
    for (let round = 1; round <= 6; round += 1) {
      steps.push(String(await keeper.pass(SIGNAL)));
      // The API server may not have the new bundle yet.
      expect(await answer()).toContain('answered by the webhook');
      await untilTakenUp(round);
      await replica.look(async (serving) => server.replace(serving), SIGNAL);
      expect(await answer()).toContain('answered by the webhook');
    }
    expect(steps).toEqual(['prepare', 'promote', 'prepare', 'promote', 'prepare', 'promote']);
    const { held: last } = await secret.read(SIGNAL);
    expect(last?.issuer.cert).not.toBe(first.issuer.cert);

    // What is not trusted is refused, so the answers above were by certificates that are. Another bundle makes the API
    // server connect anew, here and above.
    const stranger = { ...LIFETIMES, skewMs: 0 };
    const written: string[] = [];
    const elsewhere = {
      read: async () => ({ version: '1', held: null }),
      write: async (version: string, made: NonNullable<typeof last>) => {
        written.push(made.bundle);
        server.replace(made.serving);
        return { version, held: made };
      },
    };
    const nobody = { publish: async () => true };
    await new CertificateKeeper({ ...shared, secret: elsewhere, trust: nobody, lifetimes: stranger }).pass(
      SIGNAL,
    );
    expect(written).toHaveLength(1);
    await trust.publish(`${last?.bundle}\n`, SIGNAL);
    await untilTakenUp(7);
    expect(await answer()).toContain('certificate signed by unknown authority');
  },
  CASE_DEADLINE_MS,
);
