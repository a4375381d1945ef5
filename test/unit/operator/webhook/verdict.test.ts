import { describe, expect, test } from '@jest/globals';
import { deviceMigrationStatus, type DeviceMigrationStatus } from '@transship/crds';
import type { Attempt } from '@transship/operator/internal/webhook/attempts';
import { type Facts, judge, type Pod, screen } from '@transship/operator/internal/webhook/verdict';

const NOW = new Date('2026-01-01T12:00:00Z');
const REQUEST = { uid: 'q', namespace: 'ml', podName: 'trainer', dryRun: false, podUid: null };
const POD: Pod = {
  namespace: 'ml',
  name: 'trainer',
  uid: 'u1',
  nodeName: 'gpu-a',
  phase: 'Running',
  terminating: false,
  labels: {},
};

const status = (fields: Partial<DeviceMigrationStatus>): DeviceMigrationStatus =>
  deviceMigrationStatus.parse(fields);

const attempt = (number: number, fields: Partial<DeviceMigrationStatus>): Attempt => ({
  namespace: 'ml',
  name: number === 1 ? 'evac-u1' : `evac-u1-${number}`,
  number,
  cancelled: false,
  createdAt: new Date('2026-01-01T11:00:00Z'),
  status: status(fields),
});

const ended = (phase: 'Failed' | 'Aborted' | 'Rejected' | 'Succeeded', agoMs: number, number = 1): Attempt =>
  attempt(number, { phase, completedAt: new Date(NOW.getTime() - agoMs).toISOString() });

const facts = (changes: Partial<Facts> = {}): Facts => ({
  request: REQUEST,
  pod: POD,
  policy: 'Required',
  attempts: [],
  incoming: null,
  now: NOW,
  ...changes,
});

describe('an eviction is of no concern', () => {
  const allowed = { kind: 'allow', unguard: null };
  test.each([
    ['whose pod is gone', REQUEST, null, allowed],
    ['that means another pod of that name', { ...REQUEST, podUid: 'u0' }, POD, allowed],
    ['of a pod that is deleted', REQUEST, { ...POD, terminating: true }, allowed],
    ['of a pod that has succeeded', REQUEST, { ...POD, phase: 'Succeeded' }, allowed],
    ['of a pod that has failed', REQUEST, { ...POD, phase: 'Failed' }, allowed],
    ['of a pod without a node', REQUEST, { ...POD, nodeName: null, phase: 'Pending' }, allowed],
  ])('%s', (_what, request, pod, verdict) => {
    expect(screen(request, pod, 'Required')).toEqual(verdict);
  });

  test('of a pod that did not opt in, which its own budget does not hold either', () => {
    expect(screen(REQUEST, POD, 'Off')).toEqual({ kind: 'allow', unguard: POD });
    expect(screen({ ...REQUEST, dryRun: true }, POD, 'Off')).toEqual(allowed);
  });

  test('but not one of a running pod that opted in, nor of one that is starting on its node', () => {
    expect(screen({ ...REQUEST, podUid: 'u1' }, POD, 'Required')).toBeNull();
    expect(screen(REQUEST, { ...POD, phase: 'Pending' }, 'BestEffort')).toBeNull();
  });
});

describe('an eviction of a pod that opted in', () => {
  test('asks for the first attempt when there was none', () => {
    expect(judge(facts())).toEqual({ kind: 'evacuate', name: 'evac-u1', pod: POD });
  });

  test('waits for an attempt under way and tells how far it is', () => {
    const transfer = { bytes: 610, totalBytes: 1000, bytesPerSecond: 212_400_000, eta: '31s' };
    const attempts = [attempt(1, { phase: 'PreCopy', progress: '61%', transfer })];
    expect(judge(facts({ attempts }))).toEqual({
      kind: 'hold',
      message: 'Eviction triggered evacuation: DeviceMigration ml/evac-u1 PreCopy 61%, 212 MB/s, ETA 31s',
    });
  });

  test('goes on once its devices run elsewhere', () => {
    const attempts = [ended('Failed', 1_000_000), ended('Succeeded', 0, 2)];
    expect(judge(facts({ attempts }))).toEqual({ kind: 'allow', unguard: POD });
  });

  test('waits while the pod takes in what another one has, and not longer', () => {
    const incoming = attempt(1, { phase: 'StopCopy' });
    expect(judge(facts({ incoming }))).toMatchObject({
      kind: 'hold',
      message: expect.stringContaining('target of DeviceMigration ml/evac-u1, which is StopCopy'),
    });
    expect(judge(facts({ incoming: ended('Succeeded', 0) }))).toMatchObject({ kind: 'evacuate' });
  });

  describe.each(['Failed', 'Aborted', 'Rejected'] as const)('whose attempt ended as %s', (phase) => {
    test.each([
      [1, 29_000, 30_000],
      [2, 59_000, 60_000],
      [5, 479_000, 480_000],
      [6, 599_000, 600_000],
      [40, 599_000, 600_000],
    ])('is tried again after attempt %d, later each time', (number, tooEarly, late) => {
      const before = [ended(phase, tooEarly, number)];
      expect(judge(facts({ attempts: before }))).toMatchObject({
        kind: 'hold',
        message: expect.stringMatching(/Next attempt in 1s$/),
      });
      const after = [ended(phase, late, number)];
      const name = `evac-u1-${number + 1}`;
      expect(judge(facts({ attempts: after }))).toEqual({ kind: 'evacuate', name, pod: POD });
    });
  });

  test('tells why the last attempt failed and what to do', () => {
    const error = { code: 'SameNode', message: 'spec.target' };
    const attempts = [attempt(1, { phase: 'Rejected', completedAt: NOW.toISOString(), error })];
    expect(judge(facts({ attempts }))).toEqual({
      kind: 'hold',
      message:
        'DeviceMigration ml/evac-u1 Rejected: SameNode: spec.target. Name another node in spec.target.nodeName. Next attempt in 30s',
    });
  });

  test('is not tried again earlier because a clock went back', () => {
    expect(judge(facts({ attempts: [ended('Failed', -3_600_000)] }))).toMatchObject({
      message: expect.stringMatching(/Next attempt in 30s$/),
    });
  });

  test('goes on under BestEffort only after an attempt that touched nothing', () => {
    const policy = 'BestEffort';
    expect(judge(facts({ policy, attempts: [ended('Rejected', 0)] }))).toMatchObject({
      kind: 'allow',
      unguard: POD,
      warning: expect.stringContaining('DeviceMigration ml/evac-u1 Rejected'),
    });
    for (const phase of ['Failed', 'Aborted'] as const)
      expect(judge(facts({ policy, attempts: [ended(phase, 0)] })).kind).toBe('hold');
    // What was rejected before counts no more once a later one was not.
    const attempts = [ended('Failed', 0, 2), ended('Rejected', 90_000)];
    expect(judge(facts({ policy, attempts })).kind).toBe('hold');
  });

  test.each([
    ['the first attempt', {}],
    ['one under way', { attempts: [attempt(1, { phase: 'PreCopy' })] }],
    ['a pause', { attempts: [ended('Failed', 0)] }],
    ['what comes in', { incoming: attempt(1, { phase: 'PreCopy' }) }],
  ])('changes nothing and holds nobody as a dry run, at %s', (_what, changes) => {
    const dry = facts({ ...changes, request: { ...REQUEST, dryRun: true } });
    expect(judge(dry)).toEqual({
      kind: 'allow',
      unguard: null,
      warning: expect.stringContaining('ml/trainer would be moved'),
    });
  });
});
