import { describe, expect, test } from '@jest/globals';
import { deviceMigrationStatus } from '@transship/crds';
import { check } from '../../demo/checks.ts';
import type { Evidence } from '../../demo/evidence.ts';
import type { EmulatedDevice, EmulatedLink, EmulatedWorkload } from '../../support/emulator-control.ts';

const link = (from: number, to: number, change: Partial<EmulatedLink> = {}): EmulatedLink => ({
  ...{ from, to, set: '1', sent: 0, received: 0, lost: 0, gaps: 0, doubles: 0, inFlight: 0 },
  ...{ sentHere: 100, receivedHere: 100, lostHere: 0, inFlightAtQuiesce: 5 },
  ...change,
});

const arrivedLink = (from: number, to: number, change: Partial<EmulatedLink> = {}): EmulatedLink =>
  link(from, to, {
    ...{ sent: 140, received: 135, inFlight: 5, sentHere: 40, receivedHere: 35, inFlightAtQuiesce: 0 },
    ...change,
  });

const device = (index: number, change: Partial<EmulatedDevice> = {}): EmulatedDevice => ({
  ...{
    index,
    slot: index,
    set: '1',
    state: 'Running',
    armed: true,
    memoryBytes: 4096,
    resets: 1,
    faultsUsed: 0,
  },
  ...{ segmentsSaved: 0, segmentsLoaded: 3, submissionGaps: 0, inFlight: 0 },
  ...change,
});

const workload = (change: Partial<EmulatedWorkload> = {}): EmulatedWorkload => ({
  ...{ phase: 'Live', frozen: false, submissions: [9, 9], refused: 0 },
  ...{ loaded: false, set: '1', freezes: 0, thaws: 0, cookie: 'c' },
  ...change,
});

const good = (): Evidence => ({
  status: deviceMigrationStatus.parse({ phase: 'Succeeded' }),
  transferMs: 100,
  workloadBefore: workload({ submissions: [4, 4] }),
  targetMemoryBefore: ['p', 'q'],
  left: [
    { digest: 'A', memory: 'a' },
    { digest: 'B', memory: 'b' },
  ],
  arrived: [
    { digest: 'A', memory: 'a' },
    { digest: 'B', memory: 'b' },
  ],
  sourceLinks: [link(0, 1), link(1, 0)],
  targetLinks: [arrivedLink(0, 1), arrivedLink(1, 0)],
  sourceDevices: [device(0, { armed: false }), device(1, { armed: false })],
  targetDevices: [device(0), device(1)],
  sourceWorkload: workload({ phase: 'Ended', frozen: true }),
  targetWorkload: workload(),
  violations: [],
});

const failed = (change: Partial<Evidence>): string[] =>
  check({ ...good(), ...change }).flatMap(({ claim, failure }) =>
    failure === null ? [] : [`${claim}: ${failure}`],
  );

const LOST = 'no transaction was lost, on either side';
const BALANCE = 'what both nodes counted adds up';
const DIGESTS = 'memory, links and registers of every device arrived as they left';
const CONTENTS = 'contents were different for each device, and from those of the target';
const WORKLOAD = 'the workload ended on the source and goes on on the target';

const cases: readonly (readonly [name: string, change: Partial<Evidence>, failures: readonly string[]])[] = [
  [
    'a migration that was aborted',
    {
      status: deviceMigrationStatus.parse({
        phase: 'Failed',
        error: { code: 'ArcFailed', message: 'no' },
      }),
    },
    ['the migration succeeded: Failed: ArcFailed: no'],
  ],
  [
    'memory that arrived otherwise',
    {
      arrived: [
        { digest: 'A', memory: 'a' },
        { digest: 'B', memory: 'x' },
      ],
    },
    [`${DIGESTS}: device 1: b left, x arrived`],
  ],
  [
    'registers that arrived otherwise',
    {
      arrived: [
        { digest: 'X', memory: 'a' },
        { digest: 'B', memory: 'b' },
      ],
    },
    [`${DIGESTS}: device 0: a left, a arrived`],
  ],
  [
    'a device that did not arrive',
    { arrived: [{ digest: 'A', memory: 'a' }] },
    [`${DIGESTS}: 2 devices left, 1 arrived`],
  ],
  [
    'a target that held the same contents before',
    { targetMemoryBefore: ['a', 'q'] },
    [`${CONTENTS}: two devices had the same contents before`],
  ],
  [
    'a target that was not looked at before',
    { targetMemoryBefore: [] },
    [`${CONTENTS}: the contents of the target before are not known`],
  ],
  [
    'a link with nothing in flight at the barrier',
    { sourceLinks: [link(0, 1, { inFlightAtQuiesce: 0 }), link(1, 0)] },
    ['every link had transactions in flight at barrier A: 0 → 1: none'],
  ],
  [
    'a link that stays silent on the target',
    {
      targetLinks: [
        arrivedLink(0, 1),
        arrivedLink(1, 0, { sent: 100, received: 100, inFlight: 0, sentHere: 0, receivedHere: 0 }),
      ],
    },
    ['every link carries transactions after the thaw: 1 → 0: none'],
  ],
  [
    'a transaction lost on the source',
    { sourceLinks: [link(0, 1, { lostHere: 1 }), link(1, 0)] },
    [`${LOST}: 0 → 1: 1 lost`],
  ],
  [
    'a transaction lost on the target',
    { targetLinks: [arrivedLink(0, 1, { lost: 2, lostHere: 2, inFlight: 3 }), arrivedLink(1, 0)] },
    [`${LOST}: 0 → 1: 2 lost`],
  ],
  [
    'a gap and a double',
    { targetLinks: [arrivedLink(0, 1, { gaps: 1, doubles: 2 }), arrivedLink(1, 0)] },
    ['no transaction is missing in between or came twice: 0 → 1: 1 missing, 2 twice'],
  ],
  [
    'counts that do not add up',
    { targetLinks: [arrivedLink(0, 1, { received: 134 }), arrivedLink(1, 0)] },
    [`${BALANCE}: 0 → 1: 140 sent, 134 received, 5 in flight`],
  ],
  [
    'a link that nobody knew on the source',
    { sourceLinks: [link(0, 1)] },
    [`${BALANCE}: 1 → 0: 140 sent, 135 received, 5 in flight`],
  ],
  [
    'work that was dropped',
    { targetDevices: [device(0), device(1, { submissionGaps: 1 })] },
    ['work posted to the devices arrived in order: device 1: 1 missing'],
  ],
  [
    'a workload that is alive on both sides',
    { sourceWorkload: workload() },
    [`${WORKLOAD}: the source's is Live`],
  ],
  [
    'a workload that stays frozen',
    { targetWorkload: workload({ frozen: true }) },
    [`${WORKLOAD}: the target's is Live and frozen`],
  ],
  [
    'another workload',
    { targetWorkload: workload({ cookie: 'd' }) },
    [`${WORKLOAD}: the target has another one`],
  ],
  [
    'a workload that posts nothing',
    { targetWorkload: workload({ submissions: [9, 4] }) },
    [`${WORKLOAD}: it posts no work on the target`],
  ],
  [
    'a source device that was not reset',
    { sourceDevices: [device(0, { armed: false, resets: 0 }), device(1, { armed: false })] },
    ['the source devices were reset and run idle: device 0 is Running'],
  ],
  [
    'a broken rule',
    { violations: [{ node: 'gpu-a', device: 2, item: 'V1-26', what: 'stopped too early' }] },
    ['the protocol monitor saw no rule broken: gpu-a/2 V1-26: stopped too early'],
  ],
  [
    'no links at all',
    { sourceLinks: [], targetLinks: [] },
    [
      'every link had transactions in flight at barrier A: there is none',
      'every link carries transactions after the thaw: there is none',
      `${LOST}: there is none`,
      'no transaction is missing in between or came twice: there is none',
      `${BALANCE}: there is none`,
    ],
  ],
];

describe('the checks of the demonstration', () => {
  test('hold for a voyage without fault', () => {
    expect(failed({})).toEqual([]);
    expect(check(good())).toHaveLength(12);
  });

  test.each(cases)('tell of %s', (_, change, failures) => {
    expect(failed(change)).toEqual(failures);
  });
});
