import { describe, expect, test } from '@jest/globals';
import { deviceMigrationStatus } from '@transship/crds';
import { systemClock } from '@transship/operator/internal/clock';
import { Admission, type AdmissionOptions } from '@transship/operator/internal/webhook/admission';
import type { Attempt } from '@transship/operator/internal/webhook/attempts';
import type { Pod } from '@transship/operator/internal/webhook/verdict';

const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const SIGNAL = new AbortController().signal;
const POD: Pod = {
  namespace: 'ml',
  name: 'trainer',
  uid: 'u1',
  nodeName: 'gpu-a',
  phase: 'Running',
  terminating: false,
  labels: { 'transship.dev/migrate-on-drain': 'true' },
};
const made = (name: string): Attempt => ({
  namespace: 'ml',
  name,
  number: 1,
  cancelled: false,
  createdAt: new Date(0),
  status: deviceMigrationStatus.parse({}),
});

type Cluster = AdmissionOptions['cluster'];

/** Records what was asked of it; `changes` may make a step fail. */
function harness(changes: Partial<Cluster> = {}) {
  const calls: string[] = [];
  const answers: string[] = [];
  const cluster: Cluster = {
    pod: async () => POD,
    namespaceLabels: async () => ({}),
    attempts: async () => [],
    migration: async () => null,
    isCordoned: async () => true,
    evacuate: async (name, { uid }, cordoned) => {
      calls.push(`evacuate ${name} ${uid} ${cordoned}`);
      return made(name);
    },
    ...changes,
  };
  const guard = { lift: async ({ uid }: Pod) => void calls.push(`lift ${uid}`) };
  const answered = (answer: string) => void answers.push(answer);
  const admission = new Admission({ cluster, guard, clock: systemClock, log: silent, answered });
  return { admission, calls, answers };
}

const review = (dryRun = false) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: 'q',
    operation: 'CREATE',
    resource: { group: '', version: 'v1', resource: 'pods' },
    subResource: 'eviction',
    name: 'trainer',
    namespace: 'ml',
    dryRun,
    object: {},
  },
});

const fails = (): never => {
  throw new Error('etcd is away');
};

describe('an admission', () => {
  test('makes the migration, then holds the eviction', async () => {
    const { admission, calls, answers } = harness();
    expect(await admission.answer(review(), SIGNAL)).toMatchObject({
      response: {
        allowed: false,
        status: { code: 429, message: 'Eviction triggered evacuation: DeviceMigration ml/evac-u1 Pending' },
      },
    });
    expect(calls).toEqual(['evacuate evac-u1 u1 true']);
    expect(answers).toEqual(['evacuate']);
  });

  test('changes nothing for a dry run', async () => {
    const { admission, calls } = harness();
    expect(await admission.answer(review(true), SIGNAL)).toMatchObject({
      response: { allowed: true, warnings: [expect.stringContaining('would be moved')] },
    });
    expect(calls).toEqual([]);
  });

  test.each(['pod', 'namespaceLabels', 'attempts', 'isCordoned', 'evacuate'] as const)(
    'holds the eviction when %s fails',
    async (step) => {
      const { admission, answers } = harness({ [step]: async () => fails() });
      expect(await admission.answer(review(), SIGNAL)).toMatchObject({
        response: {
          uid: 'q',
          allowed: false,
          status: {
            code: 429,
            message: expect.stringContaining('held, since its state could not be read: etcd is away'),
          },
        },
      });
      expect(answers).toEqual(['unknown']);
    },
  );

  test('asks for the migration that a target pod belongs to', async () => {
    const labels = { ...POD.labels, 'transship.dev/incoming': 'true', 'transship.dev/migration-uid': 'm1' };
    const { admission, calls } = harness({
      pod: async () => ({ ...POD, labels }),
      migration: async (_namespace, uid) => (uid === 'm1' ? made('voyage') : null),
    });
    expect(await admission.answer(review(), SIGNAL)).toMatchObject({
      response: {
        allowed: false,
        status: { message: expect.stringContaining('target of DeviceMigration ml/voyage') },
      },
    });
    expect(calls).toEqual([]);
  });

  test('takes the budget of a pod away before it lets the pod go', async () => {
    const labels = { 'transship.dev/migrate-on-drain': 'false' };
    const { admission, calls } = harness({ pod: async () => ({ ...POD, labels }) });
    expect(await admission.answer(review(), SIGNAL)).toMatchObject({ response: { allowed: true } });
    expect(calls).toEqual(['lift u1']);
  });

  test('does not know anything else', async () => {
    expect(await harness().admission.answer({ kind: 'Pod' }, SIGNAL)).toBeNull();
  });
});
