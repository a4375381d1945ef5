import { describe, expect, test } from '@jest/globals';
import { methodCall } from '@transship/node-agent/internal/contract/requests';
import type { CommandMethod } from '@transship/node-agent/internal/contract/requests';
import type { CommandRequest } from '@transship/node-agent/contract';
import { wire } from '@transship/node-agent/internal/contract/wire';
import {
  commandParsers,
  parseAck,
  parseObserve,
  parseOpen,
} from '@transship/node-agent/internal/service/requests';
import { requestToWire } from '@transship/node-agent/internal/transfer/messages';

const header = {
  uid: '7a1e1c1e-0000-4000-8000-000000000001',
  fence: 3,
  sequence: 17,
  operator: 'operator-1',
  ticket: 'ticket of the session',
};
const pull = {
  endpoint: '10.0.0.1:7443',
  node: 'gpu-a',
  ticket: 'a-ticket-of-thirty-two-characters',
  bandwidthLimit: 5e9,
};
const totals = { kind: 'device', deviceIndex: 1, bytes: 2 ** 45, segments: 7, crc32c: 0xffffffff } as const;

const source = (command: CommandRequest['command']): CommandRequest => ({ header, role: 'source', command });
const target = (command: CommandRequest['command']): CommandRequest => ({ header, role: 'target', command });

/** A message as it arrives at the other end. */
function acrossTheWire(method: CommandMethod | 'Observe', message: object): unknown {
  const { requestSerialize, requestDeserialize } = wire.DeviceAgent.service[method];
  return requestDeserialize(requestSerialize(message as never));
}

describe('a command', () => {
  test.each<[string, CommandRequest]>([
    ['attach to a source', source({ kind: 'attach' })],
    ['attach to a target', target({ kind: 'attach' })],
    [
      'prepare of a source',
      source({ kind: 'prepare', generation: 1, devices: ['gpu-a/0', 'gpu-a/0000:3b:00.0'] }),
    ],
    ['prepare of a target', target({ kind: 'prepare', generation: 2, devices: ['gpu-b/0'], pull })],
    ['preCopy', source({ kind: 'preCopy', generation: 1 })],
    ['quiesce', source({ kind: 'quiesce', timeoutMs: 2_000, waitOnTimeout: true })],
    ['stop', source({ kind: 'stop', generation: 4 })],
    [
      'verify',
      target({
        kind: 'verify',
        generation: 4,
        expected: [totals, { ...totals, kind: 'workload', deviceIndex: 0 }],
      }),
    ],
    ['activate', target({ kind: 'activate', decision: 'Commit' })],
    ['commit', source({ kind: 'commit', decision: 'Commit' })],
    ['release', source({ kind: 'release', decision: 'Commit' })],
    ['rollBack', source({ kind: 'rollBack', decision: 'Abort' })],
    ['rollBack without a record', source({ kind: 'rollBack', decision: 'Undecided' })],
    ['discard', target({ kind: 'discard', decision: 'Revert' })],
  ])('%s arrives as it was sent', (_name, request) => {
    const { method, message } = methodCall(request, 1_500);
    expect(commandParsers[method](acrossTheWire(method, message))).toEqual({ request, waitMs: 1_500 });
  });

  const prepare = methodCall(
    target({ kind: 'prepare', generation: 2, devices: ['gpu-b/0'], pull }),
    0,
  ).message;
  const stop = methodCall(source({ kind: 'stop', generation: 4 }), 0).message;

  test.each<[string, 'Prepare' | 'Stop' | 'Attach' | 'Verify' | 'Quiesce' | 'Activate', object, string]>([
    ['without a header', 'Stop', { generation: 1 }, 'header'],
    [
      'with a uid that is a path',
      'Stop',
      { ...stop, header: { ...stop.header, migrationUid: '../../x' } },
      'migrationUid',
    ],
    ['without a fence', 'Stop', { ...stop, header: { ...stop.header, fence: 0 } }, 'fence'],
    [
      'with a fence beyond what is exact',
      'Stop',
      { ...stop, header: { ...stop.header, fence: 2 ** 60 } },
      'fence',
    ],
    ['without an operator', 'Stop', { ...stop, header: { ...stop.header, operator: '' } }, 'operator'],
    ['that waits for ever', 'Stop', { ...stop, header: { ...stop.header, waitMs: 1e9 } }, 'waitMs'],
    ['of generation 0', 'Stop', { ...stop, generation: 0 }, 'generation'],
    ['without a role', 'Attach', { header: stop.header }, 'role'],
    ['without devices', 'Prepare', { ...prepare, devices: [] }, 'devices'],
    [
      'with too many devices',
      'Prepare',
      { ...prepare, devices: Array.from({ length: 17 }, (_, i) => `b/${i}`) },
      'devices',
    ],
    ['of a target without an endpoint', 'Prepare', { ...prepare, sourceEndpoint: '' }, 'sourceEndpoint'],
    ['of a target without a ticket', 'Prepare', { ...prepare, ticket: Buffer.alloc(0) }, 'ticket'],
    ['with a timeout of zero', 'Quiesce', { header: stop.header, timeoutMs: 0 }, 'timeoutMs'],
    ['without a decision', 'Activate', { header: stop.header }, 'decision'],
    ['with totals of no stream', 'Verify', { header: stop.header, generation: 1, expected: [{}] }, 'kind'],
  ])('%s is malformed, and the message names the field', (_name, method, message, field) => {
    const arrived = acrossTheWire(method, message);
    expect(() => commandParsers[method](arrived)).toThrow(
      expect.objectContaining({ name: 'MalformedRequest' }),
    );
    expect(() => commandParsers[method](arrived)).toThrow(field);
  });
});

describe('a pull', () => {
  const request = {
    uid: header.uid,
    fence: 3,
    ticket: 'a ticket',
    stream: { kind: 'externals', deviceIndex: 3 },
    generation: 2,
    next: 2 ** 40 + 1,
  } as const;

  const across = (message: object): { open?: unknown; ack?: unknown } => {
    const { requestSerialize, requestDeserialize } = wire.DeviceTransfer.service.Pull;
    return requestDeserialize(requestSerialize(message)) as { open?: unknown; ack?: unknown };
  };

  test('arrives as it was sent', () => {
    expect(parseOpen(across({ open: requestToWire(request) }).open)).toEqual(request);
    expect(parseAck(across({ ack: { written: 2 ** 41, accepted: 5 } }).ack)).toEqual({
      written: 2 ** 41,
      accepted: 5,
    });
  });

  test('of no stream is malformed', () => {
    const { open } = across({ open: { ...requestToWire(request), stream: 'STREAM_KIND_UNSPECIFIED' } });
    expect(() => parseOpen(open)).toThrow('stream');
  });
});

test('an observation of no migration is malformed', () => {
  expect(() => parseObserve(acrossTheWire('Observe', { role: 'ROLE_SOURCE' }))).toThrow('migrationUid');
});
