import { describe, expect, test } from '@jest/globals';
import { planDiscard } from '@transship/operator/internal/recover/plan/discard';
import { FENCE } from '../core/fixture.ts';
import { at, broken, kinds, migration, reason, silent } from './fixture.ts';

const DEAD = silent('gpu-b');
const STOPPED = at('source', 'Stopped');

describe('recover --discard', () => {
  test('ends the object, then the set, and leaves the decision', () => {
    const plan = planDiscard(migration(STOPPED, DEAD));
    expect(kinds(plan)).toEqual(['takeUp', 'attach', 'releaseSource', 'markRecovered']);
    expect(plan).toMatchObject({ losses: [expect.stringContaining('the whole state')] });
  });

  test('frees a lost target as well, once the source is at its end', () => {
    const plan = planDiscard(migration(STOPPED, broken('target', 'Activating', { lost: true })));
    expect(kinds(plan).slice(3)).toEqual(['releaseSource', 'recordRevert', 'discardTarget', 'markRecovered']);
    expect(plan).toMatchObject({ steps: [{}, {}, {}, {}, {}, { decision: 'Revert' }, {}] });
  });

  test('goes on where another run was killed', () => {
    const begun = { ended: 'TargetLost', recovered: 'False', fence: FENCE + 1, decision: 'Revert' } as const;
    const released = at('source', 'Released', { fence: FENCE + 1 });
    const lost = broken('target', 'Activating', { lost: true });
    expect(kinds(planDiscard(migration(released, lost, begun)))).toEqual([
      'takeUp',
      'attach',
      'discardTarget',
      'markRecovered',
    ]);
    expect(kinds(planDiscard(migration(released, DEAD, { ...begun, recovered: 'True' })))).toEqual([]);
  });

  test('loses nothing when the target of an ended object turns out to run', () => {
    const plan = planDiscard(migration(STOPPED, at('target', 'Active'), { ended: 'TargetLost' }));
    expect(kinds(plan)).toEqual(['takeUp', 'attach', 'releaseSource', 'markRecovered']);
    expect(plan).toMatchObject({ steps: [{}, {}, {}, { recovery: 'RunsAtTarget' }], losses: [] });
  });

  test('only ends the object when the journal of the source has forgotten the set', () => {
    expect(kinds(planDiscard(migration(at('source', 'Fenced', { fence: 0 }), DEAD)))).toEqual([
      'takeUp',
      'markRecovered',
    ]);
  });

  test('is refused while the operator goes on with the target', () => {
    for (const phase of ['Verified', 'Activating', 'Starting', 'Active'] as const) {
      const refusal = reason(planDiscard(migration(STOPPED, at('target', phase))));
      expect(refusal).toContain('the operator goes on with it');
    }
  });

  test('does not speak of an operator when the object has ended', () => {
    for (const phase of ['Activating', 'Starting'] as const) {
      const refusal = reason(planDiscard(migration(STOPPED, at('target', phase), { ended: 'TargetLost' })));
      expect(refusal).toMatch(/when it says Active, or when you have switched gpu-b off, run this again/u);
      expect(refusal).not.toContain('operator');
    }
  });

  test('frees a target that came back to an ended object before anything was started', () => {
    const verified = at('target', 'Verified');
    expect(kinds(planDiscard(migration(STOPPED, verified, { ended: 'TargetLost' })))).toEqual([
      ...['takeUp', 'attach', 'attach', 'releaseSource', 'recordRevert', 'discardTarget', 'markRecovered'],
    ]);
    const done = { ended: 'TargetLost', recovered: 'True' } as const;
    const again = planDiscard(migration(at('source', 'Released'), verified, done));
    expect(kinds(again)).toEqual(['takeUp', 'attach', 'recordRevert', 'discardTarget']);
  });

  test('frees the source of a target that runs although Revert is recorded', () => {
    const proven = migration(STOPPED, at('target', 'Active'), { ended: 'TargetLost', decision: 'Revert' });
    expect(kinds(planDiscard(proven))).toEqual(['takeUp', 'attach', 'releaseSource', 'markRecovered']);
  });

  test('is refused when there is nothing to give up, or nobody to give it up', () => {
    const refusals = [
      [migration(STOPPED, DEAD, { decision: 'Undecided' }), 'to cancel, delete the object'],
      [
        migration(STOPPED, DEAD, { decision: 'Abort', ended: 'DeviceError' }),
        'nothing of it is held by hand',
      ],
      [migration(STOPPED, DEAD, { decision: 'Revert' }), 'Revert is recorded'],
      [migration(at('source', 'RolledBack'), DEAD), 'the set runs on gpu-a'],
      [migration(at('source', 'RolledBack'), at('target', 'Verified')), '--source` frees what the target'],
      [migration(at('source', 'Restarting'), DEAD), '--source` lets it run again'],
      [migration(at('source', 'Prepared'), DEAD), 'nothing of it is stopped'],
      [migration(silent('gpu-a'), DEAD), 'does not answer'],
      [migration(STOPPED, DEAD, { ended: 'Succeeded', phase: 'Succeeded' }), 'has succeeded'],
      [migration(at('source', 'Stopped', { fence: FENCE + 1 }), DEAD), '--orphan'],
    ] as const;
    for (const [found, why] of refusals) expect(reason(planDiscard(found))).toContain(why);
  });
});
