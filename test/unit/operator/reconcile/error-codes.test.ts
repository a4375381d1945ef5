import { describe, expect, test } from '@jest/globals';
import { ERROR_CODES, errors, type ErrorCode } from '@transship/crds';
import { failure } from '@transship/operator/core';
import { failed, next, source, target } from '../core/fixture.ts';
import { Loop } from './loop.ts';

/**
 * Whether a code is final is a promise to people; here it is held against what the operator does about each. A code
 * stands in the row of what it is met with most; docs/errors.md tells the rest.
 */

const fails = (code: ErrorCode) => failure(code, `${code} of the test`);

/** Refused with the manifest, before any agent is asked. */
const MANIFEST: readonly ErrorCode[] = [
  ...(['InvalidManifest', 'SameNode', 'NoDevices', 'DuplicateDevice', 'InvalidQuantity'] as const),
  ...(['PodNameUnsupported', 'UnknownField'] as const),
];
/** What an agent says of a device that it cannot offer. */
const OFFERED: readonly ErrorCode[] = [
  ...([
    'DeviceHeld',
    'DeviceAbsent',
    'IommuRefused',
    'BrokerRefused',
    'OwnedByVmm',
    'StateUnexplained',
  ] as const),
  ...(['ResetFailed', 'JournalRefused', 'QuarantineUnreadable', 'DeviceUnreachable'] as const),
];
/** Why an agent does not tell of its devices at all. */
const SILENT: readonly ErrorCode[] = [
  ...([
    'AgentUnreachable',
    'NodeUnknown',
    'DeadlineExceeded',
    'MessageUnreadable',
    'Internal',
    'VersionSkew',
  ] as const),
];
/** What an agent answers instead of binding the set. */
const REFUSED: readonly ErrorCode[] = [
  ...([
    'DeviceNotFound',
    'DeviceBusy',
    'DeviceNotMigratable',
    'DeviceNotRunning',
    'NoPeerToPeerQuiesce',
  ] as const),
  ...([
    'ResetUnsupported',
    'SetIncomplete',
    'PairingImpossible',
    'ModelMismatch',
    'RegionSizeMismatch',
  ] as const),
  ...(['ProtocolMismatch', 'WorkloadUnreachable'] as const),
];
/** What a generation fails with. */
const GENERATION: readonly ErrorCode[] = [
  ...(['StreamCorrupt', 'StreamTruncated', 'StreamOutOfOrder', 'StreamTooLarge', 'LoadRejected'] as const),
  ...(['WorkloadFailed', 'ArcFailed', 'DeviceError', 'AgentRestarted', 'TicketInvalid'] as const),
];
/** What a source turns round for, before it was stopped. */
const TURNED: readonly ErrorCode[] = ['FreezeFailed', 'OperatorLost', 'DeviceStateLost', 'Cancelled'];
/** Answers to an order that say that another one fits. */
const REORDERED: readonly ErrorCode[] = ['StaleFence', 'StaleSequence', 'FenceConflict', 'IllegalPhase'];
/** What the agent goes on with by itself, within its phase. */
const BY_THE_AGENT: readonly ErrorCode[] = ['QuiesceTimeout', 'ThawFailed', 'DeviceStuck'];
/** Nobody but a person goes on. */
const STANDS: readonly ErrorCode[] = ['TargetLost', 'RecordRegressed', 'RecordMissing', 'NotQuarantined'];
/** Of the pods, looked at before any agent is asked, and until the decision: see pods.test.ts. */
const PODS: readonly ErrorCode[] = [
  'PodNotFound',
  'UnsupportedOwner',
  'TargetUnschedulable',
  'TargetPodLost',
];

test('every code stands in one row', () => {
  const rows = [
    ...[MANIFEST, OFFERED, SILENT, REFUSED, GENERATION, TURNED, REORDERED, BY_THE_AGENT, STANDS, PODS],
  ];
  expect(rows.flat().toSorted()).toEqual(ERROR_CODES.toSorted());
});

/** Whether the operator ends the migration, or goes on. */
const ENDS = new Set(['finish', 'stall', 'recordDecision']);

describe('a code is final when, and only when, nothing is tried again for it', () => {
  test.each(MANIFEST)('%s in a manifest', (code) => {
    const action = next(source('Fenced'), target('Fenced'), {
      plan: { refused: fails(code) },
      record: { fence: 0 },
      held: null,
    });
    expect(ENDS.has(action.kind)).toBe(errors[code].terminal);
  });

  test.each(OFFERED)('%s of a device at preflight', async (code) => {
    const loop = new Loop();
    const health = code === 'DeviceUnreachable' ? 'Unreachable' : 'Quarantined';
    loop.source.describes = (device) => ({ ...device, health, code, reason: 'as the test says' });
    await loop.run(5);
    expect(loop.phase === 'Rejected').toBe(errors[code].terminal);
  });

  test.each(SILENT)('%s instead of an answer at preflight', async (code) => {
    const loop = new Loop();
    loop.target.describe = () => Promise.resolve({ kind: 'unreachable', failure: fails(code) });
    await loop.run(5);
    expect(loop.phase === 'Rejected').toBe(errors[code].terminal);
  });

  test.each(REFUSED)('%s as the answer to prepare', (code) => {
    const refusing = { kind: 'session', session: source('Fenced'), refusal: fails(code) } as const;
    const action = next(refusing, target('Fenced'));
    expect(ENDS.has(action.kind)).toBe(errors[code].terminal);
  });

  test.each(GENERATION)('%s of a stream while retries remain', (code) => {
    const action = next(source('Stopped'), target('Loading', failed(code)), { record: { stopping: true } });
    expect(ENDS.has(action.kind)).toBe(errors[code].terminal);
  });

  test.each(TURNED)('%s of a source that goes home', (code) => {
    const action = next(source('RolledBack', failed(code)), target('Loading'));
    expect(ENDS.has(action.kind)).toBe(errors[code].terminal);
  });

  test.each(REORDERED)('%s as the answer to an order', (code) => {
    const refusing = { kind: 'session', session: source('Prepared'), refusal: fails(code) } as const;
    expect(ENDS.has(next(refusing, target('Loading')).kind)).toBe(errors[code].terminal);
  });

  test.each(BY_THE_AGENT)('%s of a source that is on it', (code) => {
    const phase = code === 'ThawFailed' ? 'RollingBack' : 'Unquiescing';
    const action = next(source(phase, { ...failed(code), settled: false }), target('Loading'), {
      record: phase === 'RollingBack' ? { stopping: true, decision: 'Abort' } : {},
    });
    expect(ENDS.has(action.kind)).toBe(errors[code].terminal);
  });

  test.each(STANDS)('%s', (code) => {
    expect(errors[code].terminal).toBe(true);
  });
});
