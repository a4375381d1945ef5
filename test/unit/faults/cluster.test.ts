import { describe, expect, test } from '@jest/globals';
import { applies } from '../../faults/allowed.ts';
import { CLUSTER_FAULTS, isClusterFault } from '../../faults/cluster/cluster-faults.ts';
import type { ClusterFacts, OperatorEnd, Outage } from '../../faults/cluster/facts.ts';
import { commandersOf } from '../../faults/cluster/commanders.ts';
import { judgeCluster, unstruck } from '../../faults/cluster/judge.ts';
import type { Cluster } from '../../faults/cluster/cluster.ts';
import { Kubelet } from '../../faults/cluster/kubelet.ts';
import type { FaultRig } from '../../faults/rig/fault-rig.ts';
import { eventually } from '../../support/managed-process.ts';
import type { Evidence, SideEvidence } from '../../faults/evidence.ts';
import { judge } from '../../faults/judge.ts';
import { STEPS } from '../../faults/steps.ts';

const KILLED: Outage = { program: 'kube-apiserver', pid: 10, signal: 'SIGKILL', backAs: 20, kept: true };
const STOPPED: Outage = { ...KILLED, signal: 'SIGSTOP', backAs: 10 };
const LOST: OperatorEnd = { pid: 30, exitCode: 1, lost: true };

const facts = (change: Partial<ClusterFacts> = {}): ClusterFacts => ({
  outages: [KILLED],
  operatorEnds: [],
  operator: 'a',
  leaseHolder: 'a',
  otherLeases: [],
  commanders: new Map([['uid 1', ['a']]]),
  strays: [],
  connections: [],
  ...change,
});

describe('the judge of a cluster accepts', () => {
  const cases: readonly (readonly [string, ClusterFacts])[] = [
    ['an API server that was killed and came back', facts()],
    ['one that was stopped and went on', facts({ outages: [STOPPED] })],
    ['an operator that ended because it led no longer', facts({ operatorEnds: [LOST] })],
    [
      'two operators under two fences',
      facts({
        commanders: new Map([
          ['uid 1', ['a']],
          ['uid 2', ['b']],
        ]),
      }),
    ],
  ];
  test.each(cases)('%s', (_, known) => {
    expect(judgeCluster(known)).toEqual([]);
    expect(unstruck('api-killed', known)).toEqual([]);
  });
});

describe('the judge of a cluster refuses', () => {
  const cases: readonly (readonly [string, Partial<ClusterFacts>, RegExp])[] = [
    ['a program that no signal ended', { outages: [{ ...KILLED, signal: null }] }, /not ended or stopped/u],
    ['a program that stayed away', { outages: [{ ...KILLED, backAs: null }] }, /did not come back/u],
    ['a killed program that lives', { outages: [{ ...KILLED, backAs: 10 }] }, /lives although/u],
    ['a stopped program that is another', { outages: [{ ...STOPPED, backAs: 20 }] }, /was to go on/u],
    ['a record that is gone with its etcd', { outages: [{ ...KILLED, kept: false }] }, /not known any more/u],
    ['an operator that crashed', { operatorEnds: [{ ...LOST, exitCode: 134 }] }, /ended by itself/u],
    [
      'an operator that gave up while it led',
      { operatorEnds: [{ ...LOST, lost: false }] },
      /ended by itself/u,
    ],
    ['a Lease of an operator that is gone', { leaseHolder: 'b' }, /the Lease is of b/u],
    ['a Lease that was given back', { leaseHolder: '' }, /the Lease is of/u],
    ['no Lease', { leaseHolder: null }, /the Lease is of nobody/u],
    ['a second Lease', { otherLeases: ['x'] }, /left behind: Lease x/u],
    ['two operators under one fence', { commanders: new Map([['uid 1', ['a', 'b']]]) }, /used by a and b/u],
    ['a program that stayed', { strays: ['process 7'] }, /left behind: process 7/u],
    ['a connection that stayed', { connections: ['11 connections'] }, /left behind: 11/u],
  ];
  test.each(cases)('%s', (_, change, why) => {
    expect(judgeCluster(facts(change)).join('; ')).toMatch(why);
  });

  test('a cell in which nothing of the cluster was struck', () => {
    expect(unstruck('etcd-killed', facts({ outages: [] }))).toEqual([
      'no program of the control plane was struck',
    ]);
    expect(unstruck('etcd-killed', undefined)).toEqual(['nothing is known of the cluster']);
    expect(unstruck('lease-deleted', facts({ outages: [] }))).toEqual([]);
    expect(unstruck('source-killed', undefined)).toEqual([]);
  });
});

test('what is wrong with the cluster is wrong with the cell', () => {
  const side: SideEvidence = {
    ...{ node: 'gpu-a', phase: null, devices: [], progresses: false, digests: [], violations: [] },
    ...{ lost: 0, gaps: 0, doubles: 0, submissionGaps: 0 },
    workload: { phase: 'Ended', frozen: false, refused: 0 },
  };
  const evidence: Evidence = {
    proof: { step: 6, evidence: 'kube-apiserver (pid 10) ended by SIGKILL' },
    ...{ keptMs: 0, phase: 'Succeeded', code: null, settled: true, decision: 'Commit', conditions: [] },
    ...{ source: side, target: side, bothRan: [], leftovers: [] },
    cluster: facts({ leaseHolder: 'b', outages: [] }),
  };
  const wrong = judge(6, 'api-killed', evidence);
  expect(wrong).toContain('no program of the control plane was struck');
  expect(wrong).toContain('the Lease is of b, not of a');
});

test('who commanded under which fence is read from what agents answered', () => {
  const line = (instance: string, fence: number, msg = 'agent answered'): string =>
    JSON.stringify({ instance, uid: 'u', fence, msg });
  const left = 'a target that an ended migration had left was told to reset';
  const log = [
    ...[line('a', 1), line('a', 1), line('b', 2), line('c', 2), line('d', 1, 'leading')],
    ...[line('a', 3), line('b', 3, left)],
  ];
  const found = [
    ['u 1', ['a']],
    ['u 2', ['b', 'c']],
    ['u 3', ['a', 'b']],
  ];
  expect([...commandersOf(log.join('\n'))]).toEqual(found);
  // A program that was killed while it wrote has left a part of its last line.
  const cut = '{"msg":"agent answered","uid":"u","fence":2,"inst';
  expect([...commandersOf([...log, cut].join('\n'))]).toEqual(found);
});

test('every fault of the cluster strikes in every step', () => {
  for (const fault of CLUSTER_FAULTS) {
    expect(isClusterFault(fault)).toBe(true);
    expect(STEPS.filter((step) => applies(step, fault))).toEqual(STEPS);
  }
  expect(isClusterFault('source-killed')).toBe(false);
});

test.each([
  ['by itself', 1, 1],
  ['by a signal that nobody sent', null, -1],
])('an operator that ended %s is noted and started again', async (_, exitCode, noted) => {
  const operator = { pid: 7, running: false, exitCode, log: async () => '' };
  const facts = { operatorEnds: [] as OperatorEnd[], retired: false, starts: 0 };
  const cluster = {
    isRetired: () => facts.retired,
    noteEnd: async () => void (facts.operatorEnds = [{ pid: 7, exitCode: exitCode ?? -1, lost: false }]),
  };
  const rig = { operator, startOperatorAgain: async () => void (facts.starts += 1) };
  await using _kubelet = new Kubelet(rig as unknown as FaultRig, cluster as unknown as Cluster);
  await eventually('it is started again', 60_000, () => (facts.starts > 0 ? true : null));
  expect(facts.operatorEnds).toEqual([{ pid: 7, exitCode: noted, lost: false }]);
});

test('an operator that the test killed is not started by anybody else', async () => {
  let looks = 0;
  const rig = {
    operator: { running: false, exitCode: null },
    startOperatorAgain: () => Promise.reject(new Error('it was started')),
  };
  const noted: string[] = [];
  const cluster = {
    isRetired: () => (looks += 1) > 0,
    noteEnd: async () => void noted.push('noted'),
  };
  await using _kubelet = new Kubelet(rig as unknown as FaultRig, cluster as unknown as Cluster);
  await eventually('it was looked at again', 60_000, () => (looks > 2 ? true : null));
  expect(noted).toEqual([]);
});
