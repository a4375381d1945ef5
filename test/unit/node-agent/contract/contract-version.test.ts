import { status, Metadata } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import { CODE_METADATA_KEY, toCallError } from '@transship/node-agent/internal/contract/call-error';
import {
  CONTRACT_VERSION,
  versionOnWire,
  versionSkew,
} from '@transship/node-agent/internal/contract/contract-version';
import { snapshotFromWire, snapshotToWire } from '@transship/node-agent/internal/contract/messages';
import { methodCall } from '@transship/node-agent/internal/contract/requests';
import { unknownSession } from '@transship/node-agent/internal/contract/session-snapshot';
import { wire } from '@transship/node-agent/internal/contract/wire';
import { parseSender } from '@transship/node-agent/internal/service/requests';
import { itemFromWire } from '@transship/node-agent/internal/transfer/messages';

const skew = (theirs: number): string | null => versionSkew('the operator', 'the agent', theirs);

describe('versions of the contract', () => {
  test.each([CONTRACT_VERSION - 1, CONTRACT_VERSION, CONTRACT_VERSION + 1])('%d is spoken', (theirs) => {
    expect(skew(theirs)).toBeNull();
  });

  test('further apart, the older side is to be upgraded', () => {
    expect(skew(CONTRACT_VERSION + 2)).toMatch(/upgrade the operator$/);
    expect(skew(CONTRACT_VERSION - 2)).toMatch(/upgrade the agent$/);
  });

  test('are 1 where none is named', () => {
    expect([0, 1, 2].map(versionOnWire)).toEqual([1, 1, 2]);
  });

  test('are known of a command whose other parts are not', () => {
    const header = { migrationUid: 'uid-1', contractVersion: 9, role: { later: true } };
    expect(parseSender({ header, another: 'thing' })).toEqual({ uid: 'uid-1', contractVersion: 9 });
    expect(() => parseSender({})).toThrow(expect.objectContaining({ name: 'MalformedRequest' }));
  });

  test('stand in every command', () => {
    const header = { uid: 'uid-1', fence: 1, sequence: 1, operator: 'op' };
    const { message } = methodCall({ header, role: 'source', command: { kind: 'attach' } }, 0);
    const { requestSerialize, requestDeserialize } = wire.DeviceAgent.service.Attach;
    expect(parseSender(requestDeserialize(requestSerialize(message))).contractVersion).toBe(CONTRACT_VERSION);
  });
});

describe('a snapshot of a later version', () => {
  const sent = snapshotToWire({ ...unknownSession('uid-1', 'target', 'agent-1'), phase: 'Loading' });
  const { responseSerialize, responseDeserialize } = wire.DeviceAgent.service.Observe;
  const arrive = (change: object) =>
    snapshotFromWire(responseDeserialize(responseSerialize({ ...sent, ...change } as never)));
  const device = { id: 'b/0', state: 'DEVICE_STATE_RUNNING', protocol: 'v1' };

  test('is read when its words are known', () => {
    expect(arrive({ devices: [device] })).toMatchObject({
      phase: 'Loading',
      devices: [{ state: 'Running' }],
    });
  });

  test.each([
    ['phase', { phase: 99 }],
    ['phase that is missing', { phase: 0 }],
    ['role', { role: 9 }],
    ['decision', { decision: 9 }],
    ['device state', { devices: [{ ...device, state: 77 }] }],
    ['kind of stream', { streams: [{ totals: { kind: 8 } }] }],
    ['stream without totals', { streams: [{ ended: true }] }],
  ])('is read as nothing at all for an unknown %s', (_what, change) => {
    expect(() => arrive(change)).toThrow(expect.objectContaining({ name: 'UnreadableMessage' }));
  });
});

test.each([
  ['of a kind that is not known', {}],
  ['that ends another kind of stream', { end: { kind: 8 } }],
])('an item of a stream %s is not passed over', (_what, item) => {
  const { responseSerialize, responseDeserialize } = wire.DeviceTransfer.service.Pull;
  const message = responseDeserialize(responseSerialize(item as never));
  expect(() => itemFromWire(message)).toThrow(expect.objectContaining({ name: 'UnreadableMessage' }));
});

describe('the error of a call', () => {
  const codeOf = (error: object): string => toCallError('a:1', 'Attach', error).code;

  test('to an agent that does not know the call is one of versions', () => {
    expect(codeOf({ code: status.UNIMPLEMENTED })).toBe('VersionSkew');
  });

  test('has the code that the agent names, unless that is of a later version', () => {
    const metadata = new Metadata();
    metadata.set(CODE_METADATA_KEY, 'MessageUnreadable');
    expect(codeOf({ code: status.INVALID_ARGUMENT, metadata })).toBe('MessageUnreadable');
    metadata.set(CODE_METADATA_KEY, 'FromTheFuture');
    expect(codeOf({ code: status.UNAVAILABLE, metadata })).toBe('AgentUnreachable');
  });
});
