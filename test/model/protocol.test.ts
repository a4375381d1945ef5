import { describe, expect, test } from '@jest/globals';
import { explore, type Result } from './explore.ts';
import { PLAN, production, type Variant } from './operator-moves.ts';
import { rulesOff } from './rules-off.ts';
import { initialWorld, type Budget, type Fault } from './world.ts';

const NONE: Record<Fault, number> = {
  takeover: 0,
  operatorCrash: 0,
  lost: 0,
  duplicate: 0,
  stalledWrite: 0,
  agentCrash: 0,
  brokerRestart: 0,
  arcRefused: 0,
  deviceError: 0,
  resetFails: 0,
  streamCorrupt: 0,
  deadline: 0,
  operatorLost: 0,
  deletion: 0,
};
const EACH_ONCE = Object.fromEntries(Object.keys(NONE).map((fault) => [fault, 1])) as Record<Fault, number>;

const budget = (total: number, faults: Partial<Record<Fault, number>>): Budget => ({
  ...NONE,
  ...faults,
  total,
});

/** Far above what any case reaches: running into it is a failure, not a result. */
const BOUND = 3_000_000;

function exhaust(name: string, faults: Budget, variant: Variant, counts?: (what: string) => boolean): Result {
  const result = explore(initialWorld(faults), variant, BOUND, counts);
  const { states, transitions, depth, outcomes } = result;
  process.stdout.write(
    `model ${name}: ${states} states of at most ${BOUND}, ${transitions} transitions, depth ${depth}, ` +
      `${result.violation === null ? 0 : 1} violations, ended ${JSON.stringify(outcomes)}\n`,
  );
  return result;
}

const CASES: readonly [name: string, faults: Budget, plan: typeof PLAN][] = [
  ['without faults, in pre-copy', budget(0, {}), PLAN],
  ['without faults, stop and copy', budget(0, {}), { ...PLAN, preCopy: false }],
  ['any one fault, in pre-copy', budget(1, EACH_ONCE), PLAN],
  ['any one fault, stop and copy', budget(1, EACH_ONCE), { ...PLAN, preCopy: false }],
  ['any one fault, deadline policy Wait', budget(1, EACH_ONCE), { ...PLAN, waitOnDeadline: true }],
  ['lost, delayed and duplicated commands', budget(2, { lost: 2, duplicate: 2, deletion: 1 }), PLAN],
  ['stalled writes', budget(3, { stalledWrite: 2, lost: 1, deletion: 1 }), PLAN],
  ['two leaders and a stalled write', budget(2, { takeover: 1, stalledWrite: 1 }), PLAN],
  ['an operator that dies', budget(2, { operatorCrash: 2, stalledWrite: 1 }), PLAN],
  ['agents that die', budget(2, { agentCrash: 2 }), PLAN],
];

/** Takes minutes each; `npm run test:model:full`. */
const FULL: typeof CASES = [
  ['two leaders and a deletion', budget(2, { takeover: 1, deletion: 1 }), PLAN],
  ['commands lost and duplicated up to three times', budget(3, { lost: 2, duplicate: 2, deletion: 1 }), PLAN],
  ['a broker and an agent that die', budget(2, { brokerRestart: 1, agentCrash: 1 }), PLAN],
];

describe('the set protocol, every reachable state', () => {
  test.each(process.env['TRANSSHIP_MODEL'] === 'full' ? [...CASES, ...FULL] : CASES)(
    'keeps the five invariants: %s',
    (name, faults, plan) => {
      const { violation, exhausted } = exhaust(name, faults, production(plan));
      expect(violation).toBeNull();
      expect(exhausted).toBe(true);
    },
  );

  test('without faults it can only succeed', () => {
    const { outcomes } = explore(initialWorld(budget(0, {})), production(), BOUND);
    expect(Object.keys(outcomes)).toEqual(['Succeeded/null']);
  });
});

describe('the traces that broke drafts of the protocol are found when their rule is off', () => {
  test('tombstone: an old quiesce arrives after the roll back has ended', () => {
    const faults = budget(3, { duplicate: 2, deletion: 1 });
    const frozen = (what: string): boolean =>
      what === '2: the set is being quiesced after the object has ended';
    const { violation } = exhaust('without tombstones', faults, rulesOff.tombstone, frozen);
    expect(violation).not.toBeNull();
    const trace = violation?.trace ?? [];
    const ended = trace.indexOf('operator 0: records Aborted');
    expect(trace.slice(ended).some((move) => move.startsWith('quiesce'))).toBe(true);
    expect(exhaust('with tombstones', faults, production()).violation).toBeNull();
  });

  test('incarnation: activate on a device that was RESET and so reads Running', () => {
    const faults = budget(1, { brokerRestart: 1 });
    const { violation } = exhaust('without incarnations', faults, rulesOff.incarnation, (what) =>
      what.startsWith('4'),
    );
    expect(violation?.what).toBe('4: the target is active with a blank device');
    const trace = violation?.trace ?? [];
    const activated = trace.findIndex((move) => move.startsWith('activate'));
    expect(trace.indexOf('target: broker restarted')).toBeLessThan(activated);
    expect(exhaust('with incarnations', faults, production()).violation).toBeNull();
  });

  test('a stalled Commit lands after the source was thawed on Undecided', () => {
    const faults = budget(2, { stalledWrite: 1, deletion: 1 });
    const { violation } = exhaust('without Abort recorded first', faults, rulesOff.abortRecordedFirst);
    expect(violation?.what).toMatch(/^1: /u);
    expect(violation?.trace).toContain('a stalled write lands (applied)');
    expect(exhaust('with Abort recorded first', faults, production()).violation).toBeNull();
  });
});
