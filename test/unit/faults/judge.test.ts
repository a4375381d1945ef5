import { describe, expect, test } from '@jest/globals';
import { allowedAfter } from '../../faults/allowed-after.ts';
import type { Evidence, SideEvidence } from '../../faults/evidence.ts';
import type { Fault } from '../../faults/faults.ts';
import { judge, judgeEnd } from '../../faults/judge.ts';

/** A side on which the set runs with nothing lost. */
const running = (node: string, change: Partial<SideEvidence> = {}): SideEvidence => ({
  node,
  phase: 'Active',
  devices: [0, 1].map((index) => ({
    id: `${node}/${index}`,
    state: 'Running',
    armed: true,
    withheld: false,
  })),
  workload: { phase: 'Live', frozen: false, refused: 0 },
  progresses: true,
  digests: ['d0', 'd1'],
  ...{ lost: 0, gaps: 0, doubles: 0, submissionGaps: 0 },
  violations: [],
  ...change,
});

/** A side that is reset and of no set. */
const free = (node: string, change: Partial<SideEvidence> = {}): SideEvidence =>
  running(node, {
    phase: 'Released',
    devices: [0, 1].map((index) => ({
      id: `${node}/${index}`,
      state: 'Running',
      armed: false,
      withheld: false,
    })),
    workload: { phase: 'Ended', frozen: false, refused: 0 },
    progresses: false,
    ...change,
  });

/** A side whose devices are stopped with their state. */
const still = (node: string): SideEvidence =>
  running(node, {
    phase: 'Stopped',
    devices: [0, 1].map((index) => ({
      id: `${node}/${index}`,
      state: 'StopCopy',
      armed: true,
      withheld: false,
    })),
    workload: { phase: 'Live', frozen: true, refused: 0 },
    progresses: false,
  });

const moved = (change: Partial<Evidence> = {}): Evidence => ({
  proof: { step: 6, evidence: 'agent gpu-a (pid 1) ended by SIGKILL' },
  keptMs: 0,
  phase: 'Succeeded',
  code: null,
  settled: true,
  decision: 'Commit',
  conditions: ['Ready'],
  source: free('gpu-a'),
  target: running('gpu-b'),
  bothRan: [],
  leftovers: [],
  ...change,
});

const stayed = (change: Partial<Evidence> = {}): Evidence =>
  moved({
    proof: { step: 5, evidence: 'emulator: refuse-arc used 1 times' },
    ...{ phase: 'Failed', code: 'ArcFailed', decision: 'Abort', conditions: ['Stalled'] },
    source: running('gpu-a'),
    target: free('gpu-b'),
    ...change,
  });

const withheldOne = (side: SideEvidence): SideEvidence => ({
  ...side,
  devices: side.devices.map((device, index) => ({ ...device, withheld: index === 1 })),
});

/** All in one step. */
const drawn = (...faults: Fault[]) => faults.map((fault) => ({ step: 6 as const, fault }));

describe('the judge accepts', () => {
  test('a set that moved although its source was killed while it drained', () => {
    expect(judge(6, 'source-killed', moved())).toEqual([]);
  });

  test('a set that stayed because a device refused to become quiet', () => {
    expect(judge(5, 'arc-refused', stayed())).toEqual([]);
  });

  test('a target that was lost while it was activated, with the source kept still', () => {
    const lost = moved({
      proof: { step: 9, evidence: 'emulator gpu-b (pid 1) ended by SIGKILL' },
      ...{ phase: 'Failed', code: 'TargetLost', conditions: ['Stalled', 'DeviceLost'] },
      source: still('gpu-a'),
      target: free('gpu-b'),
    });
    expect(judge(9, 'target-died', lost)).toEqual([]);
  });

  test('a device that is withheld because it ignored RESET', () => {
    const withheld = moved({
      proof: { step: 10, evidence: 'emulator: fail-reset used 1 times' },
      conditions: ['Ready', 'DeviceLost'],
      source: withheldOne(free('gpu-a')),
    });
    expect(judge(10, 'reset-failed', withheld)).toEqual([]);
  });
});

describe('the judge refuses', () => {
  const cases: readonly (readonly [string, Evidence, RegExp])[] = [
    ['a fault that is not proved', moved({ proof: { step: 6, evidence: null } }), /not proved/u],
    ['a fault in another step', moved({ proof: { step: 7, evidence: 'x' } }), /struck in step 7/u],
    ['a fault in no step', moved({ proof: { step: null, evidence: 'x' } }), /struck in step none/u],
    ['a migration that hangs', moved({ settled: false, phase: 'StopCopy' }), /neither ended nor said/u],
    ['two sides that run', moved({ source: running('gpu-a') }), /both sides run/u],
    ['two sides that ran for a moment', moved({ bothRan: ['workload 1'] }), /both sides ran/u],
    ['no side that runs', moved({ target: free('gpu-b') }), /does not run at the target/u],
    ['a workload that stayed frozen', moved({ target: still('gpu-b') }), /does not run at the target/u],
    ['links that stand still', moved({ target: running('gpu-b', { progresses: false }) }), /does not run/u],
    [
      'a transaction that was lost',
      moved({ target: running('gpu-b', { lost: 1 }) }),
      /1 transactions were lost/u,
    ],
    ['a gap', moved({ target: running('gpu-b', { gaps: 1 }) }), /1 gaps/u],
    ['a double', moved({ target: running('gpu-b', { doubles: 2 }) }), /2 doubles/u],
    [
      'work that was skipped',
      moved({ target: running('gpu-b', { submissionGaps: 1 }) }),
      /gaps of the workload/u,
    ],
    ['other contents', moved({ target: running('gpu-b', { digests: ['d0', 'dx'] }) }), /did not take what/u],
    [
      'other contents beside unknown ones',
      moved({ source: free('gpu-a', { digests: ['unknown', 'dx'] }) }),
      /did not take what/u,
    ],
    [
      'contents that no device knows',
      moved({ source: free('gpu-a', { digests: ['unknown', 'unknown'] }) }),
      /did not take what/u,
    ],
    ['contents nobody knows', moved({ source: free('gpu-a', { digests: [] }) }), /did not take what/u],
    ['a source that is not free', moved({ source: still('gpu-a') }), /the source is not free/u],
    ['a word of the monitor', moved({ source: free('gpu-a', { violations: ['V1-26'] }) }), /monitor: V1-26/u],
    ['a descriptor that stayed', moved({ leftovers: ['2 more of socket'] }), /left behind/u],
    ['a success without Commit', moved({ decision: 'Abort' }), /the decision is Abort/u],
    ['a failure where retries remain', stayed({ proof: { step: 6, evidence: 'x' } }), /the phase is Failed/u],
  ];
  test.each(cases)('%s', (_, evidence, why) => {
    expect(judge(6, 'source-killed', evidence).join('; ')).toMatch(why);
  });

  test('a code that does not tell what happened', () => {
    expect(judge(5, 'arc-refused', stayed({ code: 'Cancelled' }))).toEqual(['stayed: the code is Cancelled']);
  });

  test('a set that stayed although it was decided', () => {
    expect(judge(5, 'arc-refused', stayed({ decision: 'Commit' })).join()).toMatch(/decision is Commit/u);
  });

  test('a lost device that no condition tells of', () => {
    const silent = stayed({
      proof: { step: 5, evidence: 'emulator gpu-a (pid 1) ended by SIGKILL' },
      code: 'DeviceStateLost',
      source: free('gpu-a'),
    });
    expect(judge(5, 'source-died', silent)).toEqual([
      'lost: no condition tells that a device lost its state',
    ]);
  });

  test('a target that was lost while the source was let run', () => {
    const wrong = moved({
      proof: { step: 9, evidence: 'x' },
      ...{ phase: 'Failed', code: 'TargetLost' },
      source: running('gpu-a'),
      target: free('gpu-b'),
    });
    expect(judge(9, 'target-died', wrong).join()).toMatch(/does not stand still/u);
  });

  test('a fault that does not apply', () => {
    expect(judge(1, 'arc-refused', moved()).join()).toMatch(/does not apply/u);
  });

  test('a silence that was given up, unless the hold was longer than anybody waits', () => {
    const givenUp = stayed({ proof: { step: 7, evidence: 'x' }, code: 'DeviceStuck' });
    expect(judge(7, 'leader-changed', { ...givenUp, keptMs: 29_000 }).join()).toMatch(/the phase is Failed/u);
    expect(judge(7, 'leader-changed', { ...givenUp, keptMs: 31_000 })).toEqual([]);
    const decided = { ...givenUp, proof: { step: 9, evidence: 'x' } as const, keptMs: 31_000 };
    expect(judge(9, 'leader-changed', decided)).not.toEqual([]);
  });

  test('a silence that was given up although the hold or the fault silences nobody', () => {
    const givenUp = (step: 4 | 5 | 7): Evidence =>
      stayed({ proof: { step, evidence: 'x' }, code: 'AgentUnreachable', keptMs: 31_000 });
    expect(judge(5, 'leader-changed', givenUp(5))).not.toEqual([]);
    expect(judge(4, 'cut', givenUp(4))).not.toEqual([]);
    expect(judge(4, 'stalled', givenUp(4))).toEqual([]);
    for (const fault of ['duplicated', 'deleted', 'lease-deleted', 'api-killed'] as const)
      expect(judge(7, fault, givenUp(7)).join()).toMatch(/(phase is Failed|code is AgentUnreachable)/u);
  });

  test('a code that no fault brings about, whatever was drawn', () => {
    for (const code of ['Internal', 'RecordRegressed', 'RecordMissing', 'MessageUnreadable'])
      expect(judgeEnd(allowedAfter(drawn('cut', 'slow')), stayed({ code })).join()).toMatch(
        /no fault brings/u,
      );
    expect(judgeEnd(allowedAfter(drawn('cut', 'slow')), stayed({ code: 'AgentUnreachable' }))).toEqual([]);
  });

  test('an end that one fault alone has in no step, and a code that it never has', () => {
    for (const fault of ['slow', 'duplicated', 'operator-killed', 'target-killed'] as const)
      expect(judgeEnd(allowedAfter(drawn(fault)), stayed())).not.toEqual([]);
    expect(judgeEnd(allowedAfter(drawn('arc-refused')), stayed())).toEqual([]);
    expect(judgeEnd(allowedAfter(drawn('arc-refused')), stayed({ code: 'Cancelled' }))).not.toEqual([]);
    expect(judgeEnd(allowedAfter(drawn('reset-failed')), moved())).toEqual([]);
  });

  test('a target that was lost after a RESET that failed', () => {
    const lost = moved({
      ...{ phase: 'Failed', code: 'TargetLost', conditions: ['Stalled', 'DeviceLost'] },
      ...{ source: still('gpu-a'), target: free('gpu-b') },
    });
    expect(judgeEnd(allowedAfter(drawn('reset-failed', 'cut')), lost)).not.toEqual([]);
    expect(judgeEnd(allowedAfter(drawn('target-died', 'cut')), lost)).toEqual([]);
  });

  test('a withheld device on the side whose RESET was left alone', () => {
    const withheldSource = moved({
      conditions: ['Ready', 'DeviceLost'],
      source: withheldOne(free('gpu-a')),
    });
    for (const others of [[], [{ step: 6, fault: 'cut' }] as const]) {
      const after = (step: 6 | 10): string[] =>
        judgeEnd(allowedAfter([{ step, fault: 'reset-failed' }, ...others]), withheldSource);
      expect(after(6)).not.toEqual([]);
      expect(after(10)).toEqual([]);
    }
  });

  test('a withheld target after faults that withhold none, or when nothing tells of it', () => {
    const lost = stayed({
      ...{ code: 'DeviceStateLost', conditions: ['DeviceLost'], source: free('gpu-a') },
      target: withheldOne(free('gpu-b')),
    });
    expect(judgeEnd(allowedAfter(drawn('source-died', 'cut')), lost).join()).toMatch(
      /the target is not free/u,
    );
    expect(judgeEnd(allowedAfter(drawn('source-died', 'reset-failed')), lost)).toEqual([]);
    const kept = stayed({ target: withheldOne(free('gpu-b')) });
    expect(judgeEnd(allowedAfter(drawn('target-killed', 'reset-failed')), kept)).not.toEqual([]);
  });

  test('nothing that runs, unless the devices of both sides died', () => {
    const nobody = moved({
      ...{ phase: 'Failed', code: 'TargetLost', conditions: ['Stalled', 'DeviceLost'] },
      ...{ source: free('gpu-a'), target: free('gpu-b') },
    });
    expect(judgeEnd(allowedAfter(drawn('target-died', 'cut')), nobody)).not.toEqual([]);
    expect(judgeEnd(allowedAfter(drawn('target-died', 'source-died')), nobody)).toEqual([]);
  });

  test('a loss after faults that cost nothing', () => {
    const lost = stayed({ code: 'DeviceStateLost', conditions: ['DeviceLost'], source: free('gpu-a') });
    expect(judgeEnd(allowedAfter(drawn('source-killed', 'cut')), lost)).not.toEqual([]);
    expect(judgeEnd(allowedAfter(drawn('source-killed', 'source-died')), lost)).toEqual([]);
  });
});
