import { describe, expect, test } from '@jest/globals';
import { planSource } from '@transship/operator/internal/recover/plan/source';
import { FENCE } from '../core/fixture.ts';
import { at, broken, kinds, migration, PROOF, reason, silent } from './fixture.ts';

const DEAD = silent('gpu-b');
const STOPPED = at('source', 'Stopped');
const MINE = FENCE + 1;

describe('recover --source', () => {
  test('takes a migration that waits for its dead target from the operator before anything else', () => {
    const plan = planSource(migration(STOPPED, DEAD), PROOF);
    expect(kinds(plan)).toEqual(['takeUp', 'attach', 'recordRevert', 'rollBackSource', 'markRecovered']);
    expect(plan).toMatchObject({
      steps: [
        { fence: MINE, end: { code: 'TargetLost', message: expect.stringContaining(PROOF) } },
        { node: 'gpu-a', role: 'source' },
        { reason: expect.stringContaining(PROOF) },
        { node: 'gpu-a', decision: 'Revert' },
        { recovery: 'BackAtSource' },
      ],
      losses: [expect.stringContaining('2026-01-01T00:00:00Z')],
    });
  });

  test('leaves an object that has ended as it is, but for its fence and its decision', () => {
    const plan = planSource(migration(STOPPED, DEAD, { ended: 'TargetLost' }), PROOF);
    expect(plan).toMatchObject({ steps: [{ kind: 'takeUp', end: null }, {}, {}, {}, {}] });
  });

  test('goes on where another run was killed', () => {
    const begun = { ended: 'TargetLost', recovered: 'False', fence: MINE } as const;
    const known = { fence: MINE };
    const rest = (...found: Parameters<typeof migration>) => kinds(planSource(migration(...found), PROOF));
    const stopped = at('source', 'Stopped', known);
    expect(rest(STOPPED, DEAD, begun, MINE)).toEqual([
      'attach',
      'recordRevert',
      'rollBackSource',
      'markRecovered',
    ]);
    expect(rest(stopped, DEAD, { ...begun, decision: 'Revert' }, MINE)).toEqual([
      'rollBackSource',
      'markRecovered',
    ]);
    expect(rest(at('source', 'RolledBack', known), DEAD, { ...begun, decision: 'Revert' }, MINE)).toEqual([
      'markRecovered',
    ]);
    const whole = { ...begun, decision: 'Revert', recovered: 'True' } as const;
    expect(rest(at('source', 'RolledBack', known), DEAD, whole)).toEqual([]);
  });

  test('resets what answers of a lost target before the source runs', () => {
    const plan = planSource(migration(STOPPED, broken('target', 'Starting', { lost: true })), PROOF);
    const steps = kinds(plan);
    expect(steps).toContain('discardTarget');
    expect(steps.indexOf('recordRevert')).toBeLessThan(steps.indexOf('discardTarget'));
    expect(steps.indexOf('discardTarget')).toBeLessThan(steps.indexOf('rollBackSource'));
    expect(steps.slice(0, 3)).toEqual(['takeUp', 'attach', 'attach']);
  });

  test('does nothing about a target that was given up already', () => {
    const target = at('target', 'Discarded');
    expect(kinds(planSource(migration(STOPPED, target), PROOF))).not.toContain('discardTarget');
  });

  test('makes an agent whose devices are all silent give the set up, so that it does not start them later', () => {
    const dumb = (phase: 'Activating' | 'Discarding') => {
      const side = at('target', phase);
      const devices =
        side.kind === 'session'
          ? side.session.devices.map((device) => ({ ...device, state: 'Unknown' as const }))
          : [];
      return planSource(migration(STOPPED, at('target', phase, { devices })), PROOF);
    };
    expect(dumb('Activating')).toMatchObject({
      steps: expect.arrayContaining([
        { kind: 'discardTarget', node: 'gpu-b', decision: 'Revert', silently: true },
      ]),
    });
    expect(kinds(dumb('Discarding'))).not.toContain('discardTarget');
  });

  test('names the devices of the source that have nothing left to run with', () => {
    const plan = planSource(migration(broken('source', 'Stopped', { lost: true }), DEAD), PROOF);
    expect(plan).toMatchObject({ losses: [expect.anything(), expect.stringContaining('source/0')] });
  });

  const mayRun = ['Verified', 'Activating', 'Starting', 'Active'] as const;
  test.each(mayRun)('is refused while the target answers as %s with all its devices', (phase) => {
    const refusal = reason(planSource(migration(STOPPED, at('target', phase)), PROOF));
    expect(refusal).toMatch(new RegExp(`gpu-b.*${phase}`, 'u'));
  });

  test.each(['Discarding', 'Discarded'] as const)(
    'is refused beside a device of the target whose RESET failed (%s)',
    (phase) => {
      const held = broken('target', phase, { quarantined: true });
      const refusal = reason(planSource(migration(STOPPED, held), PROOF));
      expect(refusal).toMatch(/RESET of target\/0.*switch gpu-b off and run this again/u);
      expect(kinds(planSource(migration(STOPPED, DEAD), PROOF))).toContain('rollBackSource');
      // Nothing is started any more when it runs already.
      const home = migration(at('source', 'RolledBack'), held, { ended: 'TargetLost', decision: 'Revert' });
      expect(kinds(planSource(home, PROOF))).not.toContain('rollBackSource');
    },
  );

  test('gives a target up that came back to an ended object before anything was started', () => {
    const verified = at('target', 'Verified');
    const ended = { ended: 'TargetLost', recovered: 'False' } as const;
    expect(kinds(planSource(migration(STOPPED, verified, ended), PROOF))).toEqual([
      ...['takeUp', 'attach', 'attach', 'recordRevert', 'discardTarget', 'rollBackSource', 'markRecovered'],
    ]);
    const home = at('source', 'RolledBack', { fence: FENCE });
    const done = { ended: 'TargetLost', recovered: 'True', decision: 'Revert' } as const;
    const again = planSource(migration(home, verified, done), PROOF);
    expect(again).toMatchObject({
      steps: [
        { kind: 'takeUp', end: null },
        { role: 'target' },
        { kind: 'discardTarget', decision: 'Revert' },
      ],
    });
  });

  test.each(['Activating', 'Starting'] as const)(
    'says of an ended object whose target is %s what is left to do',
    (phase) => {
      const found = migration(STOPPED, at('target', phase), { ended: 'TargetLost' });
      const refusal = reason(planSource(found, PROOF));
      expect(refusal).toMatch(/when it says Active, .*--discard.*switch gpu-b off and run this again/u);
      expect(refusal).not.toContain('operator');
    },
  );

  test('is refused when the target runs although it reports a device as lost', () => {
    const target = broken('target', 'Active', { lost: true });
    expect(reason(planSource(migration(STOPPED, target), PROOF))).toContain('the set runs on gpu-b');
  });

  test.each(['Fenced', 'Loading'] as const)(
    'is refused while a target answers that has forgotten its promise (%s)',
    (phase) => {
      const refusal = reason(planSource(migration(STOPPED, at('target', phase)), PROOF));
      expect(refusal).toContain('nobody knows whether the set runs there');
    },
  );

  test.each(['Undecided', 'Abort'] as const)(
    'is refused under %s: the operator goes on by itself',
    (decision) => {
      expect(reason(planSource(migration(STOPPED, DEAD, { decision }), PROOF))).toContain(decision);
    },
  );

  test('is refused when the source has nothing to run with', () => {
    const cases = [
      [at('source', 'Releasing'), 'given up already'],
      [at('source', 'Released'), 'given up already'],
      [at('source', 'Fenced'), 'knows nothing of a stopped set'],
      [silent('gpu-a'), 'does not answer'],
    ] as const;
    for (const [source, why] of cases)
      expect(reason(planSource(migration(source, DEAD), PROOF))).toContain(why);
  });

  test('is refused when the record is behind the journals, or the set has arrived', () => {
    const ahead = at('source', 'Stopped', { fence: FENCE + 3 });
    expect(reason(planSource(migration(ahead, DEAD), PROOF))).toContain('recover --orphan uid-1');
    const arrived = { ended: 'Succeeded', phase: 'Succeeded' } as const;
    expect(reason(planSource(migration(STOPPED, DEAD, arrived), PROOF))).toContain('has succeeded');
  });
});
