import { status } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import { codeOfStatus, toCallError } from '@transship/node-agent/internal/contract/call-error';
import { descriptionFromWire, descriptionToWire } from '@transship/node-agent/internal/contract/description';
import type { NodeDescription } from '@transship/node-agent/internal/contract/description';
import {
  decisions,
  deviceStates,
  phases,
  roles,
  streamKinds,
} from '@transship/node-agent/internal/contract/enums';
import { Decision } from '@transship/node-agent/internal/contract/generated/transship/agent/v1alpha1/Decision';
import { DeviceState } from '@transship/node-agent/internal/contract/generated/transship/agent/v1alpha1/DeviceState';
import { Role } from '@transship/node-agent/internal/contract/generated/transship/agent/v1alpha1/Role';
import { SessionPhase } from '@transship/node-agent/internal/contract/generated/transship/agent/v1alpha1/SessionPhase';
import { StreamKind } from '@transship/node-agent/internal/contract/generated/transship/agent/v1alpha1/StreamKind';
import { identitiesOf, nodeIdentity, nodeOfIdentity } from '@transship/node-agent/internal/contract/identity';
import { snapshotFromWire, snapshotToWire } from '@transship/node-agent/internal/contract/messages';
import { unknownSession } from '@transship/node-agent/internal/contract/session-snapshot';
import { wire } from '@transship/node-agent/internal/contract/wire';
import type { SessionSnapshot } from '@transship/node-agent/contract';

describe('enums', () => {
  test.each([
    ['Role', roles, Role],
    ['Decision', decisions, Decision],
    ['DeviceState', deviceStates, DeviceState],
    ['StreamKind', streamKinds, StreamKind],
    ['SessionPhase', phases, SessionPhase],
  ])('%s has a word for each value but the unspecified', (_name, codec, values) => {
    const meaningful = Object.keys(values).filter((value) => !value.endsWith('_UNSPECIFIED'));
    const { toWire } = codec as { toWire: (word: string) => string };
    expect(meaningful.map((value) => toWire(codec.fromWire(value)))).toEqual(meaningful);
    const [unspecified = ''] = Object.keys(values).filter((value) => value.endsWith('_UNSPECIFIED'));
    for (const value of [unspecified, 99, 'A_LATER_VALUE']) {
      expect(() => codec.fromWire(value)).toThrow(expect.objectContaining({ name: 'UnreadableMessage' }));
    }
  });
});

describe('a snapshot', () => {
  const snapshot: SessionSnapshot = {
    uid: 'uid-1',
    role: 'target',
    fence: 4,
    sequence: 2 ** 50,
    phase: 'Loading',
    generation: 2,
    settled: false,
    error: { code: 'StreamCorrupt', message: 'a sentence', device: 'b/0' },
    devices: [
      {
        id: 'b/0',
        state: 'Unknown',
        lost: true,
        quarantined: false,
        stuck: true,
        preCopy: true,
        protocol: 'v2',
      },
    ],
    streams: [
      {
        totals: { kind: 'workload', deviceIndex: 0, bytes: 2 ** 45, segments: 1, crc32c: 0xdeadbeef },
        ended: true,
        pendingBytes: 12,
        initialPending: true,
        stopCopyBytes: 2 ** 41,
      },
    ],
    ticket: 'ticket',
    decision: 'Commit',
    quiesceTimeouts: 3,
    version: 9,
    takesCommit: true,
    agentInstance: 'instance',
  };

  test.each([
    ['full', snapshot],
    ['empty', unknownSession('uid-2', 'source', 'instance')],
  ])('that is %s arrives as it was sent', (_name, sent) => {
    const { responseSerialize, responseDeserialize } = wire.DeviceAgent.service.Observe;
    expect(snapshotFromWire(responseDeserialize(responseSerialize(snapshotToWire(sent))))).toEqual(sent);
  });
});

describe('a description', () => {
  const device: NodeDescription['devices'][number] = {
    id: 'a/0',
    protocol: 'v1',
    vendorId: 0x10de,
    deviceId: 0x2330,
    subsystemVendorId: 1,
    subsystemId: 2,
    revisionId: 0xa1,
    driver: 'vfio-user',
    firmware: '1.2',
    p2p: true,
    preCopy: true,
    resetSupported: true,
    regionSize: 2 ** 33,
    dataWindowSize: 4096,
    state: 'Unknown',
    health: 'Quarantined',
    reason: 'why',
    migrationUid: 'uid-1',
    notMigratable: 'why not',
    code: 'OwnedByVmm',
    workload: 'trainer',
    interface: 'cdev',
    dmaLogging: true,
    migrationFlags: 7,
    quarantine: {
      code: 'ResetFailed',
      message: 'why',
      since: '2030-01-01T00:00:00.000Z',
      migrationUid: 'uid-1',
      remedy: 'Reset it.',
    },
    pciAddress: '0000:3b:00.1',
    pod: { namespace: 'ml', name: 'trainer-0' },
    topology: { pcieRoot: 'pci0000:3a', numaNode: -1 },
  };
  const node: NodeDescription = {
    nodeName: 'a',
    agentVersion: '1.0.0',
    contractVersion: 2,
    transferEndpoint: 'a:1',
    devices: [device],
    podResources: {
      known: true,
      message: '',
      unknownDevices: [
        {
          pod: { namespace: 'ml', name: 'trainer-0' },
          resource: 'example.com/gpu',
          device: '0000:3c:00.0',
          reason: 'the devices file does not list it',
        },
      ],
    },
  };
  const { responseSerialize, responseDeserialize } = wire.DeviceAgent.service.DescribeDevices;

  test('arrives as it was sent', () => {
    expect(descriptionFromWire(responseDeserialize(responseSerialize(descriptionToWire(node))))).toEqual(
      node,
    );
  });

  test('of an agent that asks no kubelet says nothing of pods', () => {
    const { podResources: _, ...bare } = node;
    const sent = { ...bare, devices: [{ ...device, pod: null, topology: null }] };
    const arrived = descriptionFromWire(responseDeserialize(responseSerialize(descriptionToWire(sent))));
    expect(arrived).toEqual({ ...sent, podResources: null });
  });

  test('with a health of a later version counts as unreachable, so that nothing is started', () => {
    const later = {
      ...descriptionToWire(node),
      devices: [{ ...device, state: 'DEVICE_STATE_STOP', health: 'Splendid' }],
    };
    const [arrived] = descriptionFromWire(responseDeserialize(responseSerialize(later as never))).devices;
    expect(arrived).toMatchObject({ health: 'Unreachable', state: 'Stop' });
  });
});

describe('a status of gRPC', () => {
  test.each([
    [status.UNAVAILABLE, 'AgentUnreachable'],
    [status.PERMISSION_DENIED, 'AgentUnreachable'],
    [status.UNAUTHENTICATED, 'AgentUnreachable'],
    [status.DEADLINE_EXCEEDED, 'DeadlineExceeded'],
    [status.INVALID_ARGUMENT, 'Internal'],
    [status.UNIMPLEMENTED, 'VersionSkew'],
    [status.INTERNAL, 'Internal'],
  ])('%i means %s', (code, meaning) => {
    expect(codeOfStatus(code)).toBe(meaning);
  });

  test('is told with where and what was called', () => {
    const error = toCallError('gpu-a:7443', 'Stop', { code: status.UNAVAILABLE, details: 'refused' });
    expect(error).toMatchObject({ code: 'AgentUnreachable', status: 'UNAVAILABLE' });
    expect(error.message).toBe('Stop at gpu-a:7443: UNAVAILABLE: refused');
  });
});

describe('an identity', () => {
  test('is taken from the URI names of our trust domain alone', () => {
    const subjectaltname = [
      'DNS:gpu-a',
      'URI:spiffe://transship.dev/node/gpu-a',
      'URI:spiffe://elsewhere/operator',
      'IP Address:127.0.0.1',
      'URI:"spiffe://transship.dev/operator, DNS:x"',
    ].join(', ');
    expect(identitiesOf({ subjectaltname })).toEqual([nodeIdentity('gpu-a')]);
    expect(identitiesOf({})).toEqual([]);
  });

  test('names a node or none', () => {
    expect(nodeOfIdentity(nodeIdentity('gpu-a'))).toBe('gpu-a');
    expect(nodeOfIdentity(nodeIdentity(''))).toBeNull();
    expect(nodeOfIdentity('spiffe://transship.dev/operator')).toBeNull();
  });
});
