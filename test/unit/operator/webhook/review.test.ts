import { describe, expect, test } from '@jest/globals';
import { attemptName, attemptNumber } from '@transship/operator/internal/webhook/attempts';
import { asksNamespace, policyOf } from '@transship/operator/internal/webhook/opt-in';
import { allowed, held, readReview } from '@transship/operator/internal/webhook/review';

const DRAIN = 'transship.dev/migrate-on-drain';
const POLICY = 'transship.dev/eviction-policy';

const request = {
  uid: 'q',
  operation: 'CREATE',
  resource: { group: '', version: 'v1', resource: 'pods' },
  subResource: 'eviction',
  name: 'trainer',
  namespace: 'ml',
  dryRun: false,
  object: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'trainer', namespace: 'ml' } },
};
const review = (changes: object = {}) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: { ...request, ...changes },
});

describe('a review', () => {
  test('tells which pod is meant', () => {
    const read = { uid: 'q', namespace: 'ml', podName: 'trainer', dryRun: false, podUid: null };
    expect(readReview(review())).toEqual(read);
    // Some API servers leave the name to the object.
    expect(readReview(review({ name: '' }))).toEqual(read);
    const object = { ...request.object, deleteOptions: { preconditions: { uid: 'u1' } } };
    expect(readReview(review({ object }))).toEqual({ ...read, podUid: 'u1' });
  });

  test('is a dry run when the request or the options of the deletion say so', () => {
    expect(readReview(review({ dryRun: true }))).toMatchObject({ dryRun: true });
    const object = { ...request.object, deleteOptions: { dryRun: ['All'] } };
    expect(readReview(review({ object }))).toMatchObject({ dryRun: true });
  });

  test.each([
    ['nothing', undefined],
    ['another version', { ...review(), apiVersion: 'admission.k8s.io/v1beta1' }],
    ['another resource', review({ subResource: 'binding' })],
    ['a pod without a name', review({ name: '', object: {} })],
    ['no namespace', review({ namespace: '' })],
    ['a deletion', review({ operation: 'DELETE' })],
  ])('is none with %s', (_what, body) => {
    expect(readReview(body)).toBeNull();
  });

  test('is answered by its uid; what is held asks for no silent retry', () => {
    expect(allowed('q', ['w']).response).toEqual({ uid: 'q', allowed: true, warnings: ['w'] });
    expect(held('q', 'm').response).toEqual({
      uid: 'q',
      allowed: false,
      status: { status: 'Failure', code: 429, reason: 'TooManyRequests', message: 'm' },
    });
  });
});

describe('who opted in', () => {
  test.each([
    [{}, {}, 'Off'],
    [{ [DRAIN]: 'true' }, {}, 'Required'],
    [{ [DRAIN]: 'yes' }, {}, 'Off'],
    [{}, { [DRAIN]: 'true' }, 'Required'],
    [{ [DRAIN]: 'false' }, { [DRAIN]: 'true' }, 'Off'],
    [{ [DRAIN]: 'true', [POLICY]: 'Off' }, {}, 'Off'],
    [{ [DRAIN]: 'true' }, { [POLICY]: 'BestEffort' }, 'BestEffort'],
    [{ [DRAIN]: 'true', [POLICY]: 'Required' }, { [POLICY]: 'Off' }, 'Required'],
    [{ [DRAIN]: 'true', [POLICY]: 'besteffort' }, {}, 'Required'],
  ])('pod %j in namespace %j: %s', (pod, namespace, policy) => {
    expect(policyOf(pod, namespace)).toBe(policy);
    // Where the namespace is not asked, it changes nothing.
    expect(policyOf(pod, asksNamespace(pod) ? namespace : {})).toBe(policy);
  });
});

describe('names of attempts', () => {
  test('tell their number, and nothing else does', () => {
    for (const number of [1, 2, 17]) expect(attemptNumber('u', attemptName('u', number))).toBe(number);
    for (const name of ['evac-u-1', 'evac-u-0', 'evac-u-x', 'evac-u-', 'evac-v', 'mine'])
      expect(attemptNumber('u', name)).toBeNull();
  });
});
