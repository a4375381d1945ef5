import { describe, expect, test } from '@jest/globals';
import type { FoundOrphan } from '@transship/operator/internal/recover/plan/found';
import { planOrphan } from '@transship/operator/internal/recover/plan/orphan';
import { FENCE } from '../core/fixture.ts';
import { at, broken, empty, kinds, orphan, PROOF, reason, record, silent, UID } from './fixture.ts';

const plan = (
  found: FoundOrphan,
  node: string,
  end: 'run' | 'discard',
  proof: string | null = null,
  sourceProof: string | null = null,
) => planOrphan(found, { kind: 'orphan', uid: UID, node, end, proof, sourceProof });

const STOPPED = at('source', 'Stopped');
const VERIFIED = at('target', 'Verified');
const commitSeen = { decision: 'Commit' } as const;

describe('recover --orphan at the source', () => {
  test('--run: a fence above all, the target reset, and only then the source', () => {
    const planned = plan(orphan([STOPPED, at('target', 'Verified', { fence: FENCE + 5 })]), 'gpu-a', 'run');
    expect(planned).toMatchObject({
      steps: [
        { kind: 'claim', fence: FENCE + 6 },
        { kind: 'attach', node: 'gpu-b' },
        { kind: 'attach', node: 'gpu-a' },
        { kind: 'discardTarget', node: 'gpu-b', decision: 'Abort' },
        { kind: 'rollBackSource', node: 'gpu-a', decision: 'Abort' },
      ],
      losses: [],
    });
  });

  test('--run goes on under the fence that it has, and ends with nothing to do', () => {
    const known = { fence: FENCE + 1 };
    const held = FENCE + 1;
    const discarded = at('target', 'Discarded', known);
    const steps = (source: Parameters<typeof at>[1]) =>
      kinds(plan(orphan([at('source', source, known), discarded], { held }), 'gpu-a', 'run'));
    expect(steps('Stopped')).toEqual(['rollBackSource']);
    expect(steps('RolledBack')).toEqual([]);
  });

  test('--run follows a Commit that the target has seen with Revert, when the target is lost', () => {
    const lost = broken('target', 'Activating', { lost: true });
    const seen = lost.kind === 'session' ? { ...lost, session: { ...lost.session, ...commitSeen } } : lost;
    expect(plan(orphan([STOPPED, seen]), 'gpu-a', 'run')).toMatchObject({
      steps: [{}, {}, {}, { kind: 'discardTarget', decision: 'Revert' }, { decision: 'Revert' }],
    });
  });

  test.each(['Activating', 'Starting', 'Active'] as const)(
    '--run is refused while the target is %s',
    (phase) => {
      const found = orphan([STOPPED, at('target', phase, commitSeen)]);
      expect(reason(plan(found, 'gpu-a', 'run', PROOF))).toContain('gpu-b');
    },
  );

  test('--run is refused while a target that has seen Commit could be started', () => {
    const found = orphan([STOPPED, at('target', 'Verified', commitSeen)]);
    expect(reason(plan(found, 'gpu-a', 'run', PROOF))).toContain('has seen Commit');
  });

  const alone = orphan([STOPPED]);
  test.each([
    ['on a node that does not answer', orphan([STOPPED, silent('gpu-b')]), 'gpu-b did not'],
    ['on a node that is not known', alone, 'on no node that is known'],
    ['in no journal', { ...alone, nodes: [...alone.nodes, empty('gpu-b')] }, 'on no node that is known'],
  ])('--run needs a proof when the target is %s, and says what may be lost there', (_where, found, where) => {
    expect(reason(plan(found, 'gpu-a', 'run'))).toMatch(new RegExp(`${where}.*--target-is-dead`, 'u'));
    const given = plan(found, 'gpu-a', 'run', PROOF);
    expect(kinds(given)).toContain('rollBackSource');
    expect(given).toMatchObject({ losses: [expect.stringContaining('whatever the set did at the target')] });
  });

  test.each(['Stopping', 'RollingBack', 'Restarting'] as const)(
    '--run needs a proof for a source that is %s without a target as well',
    (phase) => {
      expect(reason(plan(orphan([at('source', phase)]), 'gpu-a', 'run'))).toContain('--target-is-dead');
    },
  );

  test.each(['Prepared', 'PreCopying', 'PreCopy', 'Quiescing', 'Quiesced', 'Unquiescing'] as const)(
    '--run needs none for a source that is %s: it has promised nothing',
    (phase) => {
      const fenced = [at('source', phase), at('target', 'Fenced')];
      for (const found of [orphan([at('source', phase)]), orphan(fenced)]) {
        const given = plan(found, 'gpu-a', 'run');
        const steps = kinds(given);
        // Nobody stops it between the look and the order: it knows the fence by then.
        expect(steps.indexOf('attach')).toBeLessThan(steps.indexOf('rollBackSource'));
        expect(given).toMatchObject({ losses: [] });
      }
    },
  );

  test('--run is refused while a target answers that has forgotten its promise', () => {
    for (const fence of [0, FENCE]) {
      const found = orphan([STOPPED, at('target', 'Fenced', { fence })]);
      for (const proof of [null, PROOF])
        expect(reason(plan(found, 'gpu-a', 'run', proof))).toMatch(
          /knows nothing of the set.*switch gpu-b off/u,
        );
    }
  });

  test.each(['Discarding', 'Discarded'] as const)(
    '--run is refused beside a device of the target whose RESET failed (%s)',
    (phase) => {
      const found = orphan([STOPPED, broken('target', phase, { quarantined: true })]);
      expect(reason(plan(found, 'gpu-a', 'run', PROOF))).toMatch(/RESET of target\/0.*switch gpu-b off/u);
    },
  );

  test('--run needs a proof when no device of the target answers its agent, and then makes its agent give up', () => {
    const answering = at('target', 'Activating');
    const devices =
      answering.kind === 'session'
        ? answering.session.devices.map((device) => ({ ...device, state: 'Unknown' as const }))
        : [];
    const found = orphan([STOPPED, at('target', 'Activating', { devices, ...commitSeen })]);
    expect(reason(plan(found, 'gpu-a', 'run'))).toContain('--target-is-dead');
    expect(plan(found, 'gpu-a', 'run', PROOF)).toMatchObject({
      steps: expect.arrayContaining([expect.objectContaining({ kind: 'discardTarget', silently: true })]),
    });
  });

  test('--run is refused when there is no state to run with', () => {
    for (const phase of ['Releasing', 'Released'] as const)
      expect(reason(plan(orphan([at('source', phase)]), 'gpu-a', 'run'))).toContain('given up already');
  });

  test('a source whose journal has forgotten the set cannot run, and only its object is ended', () => {
    const stalled = { code: 'RecordMissing', message: '', device: null };
    const found = orphan([at('source', 'Fenced'), VERIFIED], {
      record: record({ decision: 'Abort' }),
      stalled,
    });
    expect(reason(plan(found, 'gpu-a', 'run'))).toContain('--discard');
    const given = plan(found, 'gpu-a', 'discard');
    expect(kinds(given)).toEqual(['takeUp', 'claim', 'attach', 'attach', 'markRecovered']);
    expect(given).toMatchObject({ losses: [] });
  });

  test('--discard gives a stopped set up, and says when that was the last of it', () => {
    const alone = plan(orphan([STOPPED, VERIFIED]), 'gpu-a', 'discard');
    expect(kinds(alone)).toContain('releaseSource');
    expect(alone).toMatchObject({ losses: [expect.stringContaining('the state of the set on gpu-a')] });
    expect(plan(orphan([STOPPED, at('target', 'Active')]), 'gpu-a', 'discard')).toMatchObject({ losses: [] });
  });

  test('--discard is refused for a set that runs or is not all stopped', () => {
    expect(reason(plan(orphan([at('source', 'RolledBack')]), 'gpu-a', 'discard'))).toContain('the set runs');
    expect(reason(plan(orphan([at('source', 'Stopping')]), 'gpu-a', 'discard'))).toContain('--run');
  });
});

describe('recover --orphan at the target', () => {
  test('--run starts what was verified while the source stands still, and frees the source', () => {
    const steps = kinds(plan(orphan([STOPPED, VERIFIED]), 'gpu-b', 'run'));
    expect(steps).toEqual(['claim', 'attach', 'attach', 'commitSource', 'activateTarget', 'releaseSource']);
  });

  test('--run tells a source of Commit once, before the target runs, and only one that stands still', () => {
    const told = at('source', 'Stopped', commitSeen);
    expect(kinds(plan(orphan([told, VERIFIED]), 'gpu-b', 'run'))).not.toContain('commitSource');
    const released = at('source', 'Released', commitSeen);
    expect(kinds(plan(orphan([released, VERIFIED]), 'gpu-b', 'run'))).not.toContain('commitSource');
    const runs = plan(orphan([STOPPED, at('target', 'Active', commitSeen)]), 'gpu-b', 'run');
    expect(kinds(runs)).toEqual(['claim', 'attach', 'commitSource', 'releaseSource']);
  });

  test('--run says when the agent of the source cannot be told', () => {
    const old = at('source', 'Stopped', { takesCommit: false });
    const planned = plan(orphan([old, VERIFIED]), 'gpu-b', 'run');
    expect(kinds(planned)).not.toContain('commitSource');
    expect(planned).toMatchObject({ losses: [expect.stringContaining('earlier version')] });
  });

  test('--run without a source needs a word for it, and says that it is not told', () => {
    for (const found of [orphan([VERIFIED, silent('gpu-a')]), orphan([VERIFIED])]) {
      expect(reason(plan(found, 'gpu-b', 'run'))).toContain('--source-is-dead');
      const planned = plan(found, 'gpu-b', 'run', null, PROOF);
      expect(kinds(planned)).toEqual(['claim', 'attach', 'activateTarget']);
      expect(planned).toMatchObject({ losses: [expect.stringContaining('is not told')] });
    }
  });

  test('--run with a word for the source is refused where another target may have been committed', () => {
    const twoSilent = orphan([VERIFIED, silent('gpu-a'), silent('gpu-c')]);
    expect(reason(plan(twoSilent, 'gpu-b', 'run', null, PROOF))).toContain('another target');
    const rival = { ...at('target', 'Discarded', { generation: 9 }), node: 'gpu-c' };
    expect(reason(plan(orphan([VERIFIED, rival]), 'gpu-b', 'run', null, PROOF))).toContain('gpu-c');
    const older = { ...at('target', 'Discarded', { generation: 0 }), node: 'gpu-c' };
    expect(kinds(plan(orphan([VERIFIED, older]), 'gpu-b', 'run', null, PROOF))).toContain('activateTarget');
  });

  test('--run does not take a word for a source that answers', () => {
    const found = orphan([at('source', 'RolledBack'), VERIFIED]);
    expect(reason(plan(found, 'gpu-b', 'run', null, PROOF))).toContain('RolledBack');
  });

  test('--run is refused while the source may run, and when it is not to be found', () => {
    for (const phase of ['RollingBack', 'Restarting', 'RolledBack', 'Prepared'] as const)
      expect(reason(plan(orphan([at('source', phase), VERIFIED]), 'gpu-b', 'run'))).toContain('gpu-a');
    expect(reason(plan(orphan([VERIFIED, silent('gpu-a')]), 'gpu-b', 'run'))).toContain('gpu-a did not');
  });

  test('--run is refused for what is not whole, or was to be given up', () => {
    const cannot = [
      at('target', 'Loading'),
      at('target', 'Discarding'),
      at('target', 'Verified', { decision: 'Abort' }),
      broken('target', 'Starting', { lost: true }),
    ];
    for (const target of cannot)
      expect(reason(plan(orphan([STOPPED, target]), 'gpu-b', 'run'))).toContain('cannot be started');
  });

  test('--discard resets it, and says when no stopped source was found', () => {
    expect(plan(orphan([STOPPED, VERIFIED]), 'gpu-b', 'discard')).toMatchObject({ losses: [] });
    expect(plan(orphan([VERIFIED]), 'gpu-b', 'discard')).toMatchObject({
      losses: [expect.stringContaining('the only one')],
    });
  });

  test('--discard is refused for a set that runs or is being started', () => {
    for (const phase of ['Active', 'Activating', 'Starting'] as const)
      expect(reason(plan(orphan([STOPPED, at('target', phase)]), 'gpu-b', 'discard'))).toContain('gpu-b');
  });
});

describe('recover --orphan beside an object of that UID', () => {
  test('is refused while its record is whole: the operator ends it', () => {
    const found = orphan([STOPPED, VERIFIED], { record: record({ decision: 'Undecided' }) });
    expect(reason(plan(found, 'gpu-a', 'run'))).toContain('the operator ends it');
  });

  test('is refused when not the record but the target was lost', () => {
    const lost = orphan([STOPPED], { record: record({ ended: 'TargetLost' }) });
    expect(reason(plan(lost, 'gpu-a', 'run'))).toContain('recover default/trainer-0 --source');
    const stalled = { code: 'TargetLost', message: '', device: null };
    const waits = orphan([STOPPED], { record: record(), stalled });
    expect(reason(plan(waits, 'gpu-a', 'run'))).toContain('--source');
  });

  test('is not sent back to an object that says TargetLost and is behind a journal', () => {
    const ahead = at('source', 'Stopped', { fence: FENCE + 3 });
    const found = orphan([ahead, VERIFIED], { record: record({ ended: 'TargetLost' }) });
    expect(plan(found, 'gpu-a', 'run')).toMatchObject({
      steps: [{ kind: 'claim', fence: FENCE + 4 }, {}, {}, {}, {}],
    });
  });

  test('ends one whose record is behind before anything else, and says there how it came out', () => {
    const stalled = { code: 'RecordRegressed', message: 'behind', device: null };
    const given = { record: record({ decision: 'Undecided', fence: 2 }), stalled };
    const planned = plan(orphan([STOPPED, VERIFIED], given), 'gpu-a', 'run');
    expect(kinds(planned).slice(0, 2)).toEqual(['takeUp', 'claim']);
    expect(kinds(planned).at(-1)).toBe('markRecovered');
    expect(planned).toMatchObject({
      steps: [{ end: stalled, fence: 3 }, { fence: FENCE + 1 }, {}, {}, {}, {}, {}],
    });
    const begun = { record: record({ ended: 'RecordRegressed', recovered: 'False' }), held: FENCE + 1 };
    const home = at('source', 'RolledBack', { fence: FENCE + 1 });
    const rest = plan(orphan([home, at('target', 'Discarded')], begun), 'gpu-a', 'run');
    expect(kinds(rest)).toEqual(['markRecovered']);
  });

  test('is refused for a node that has nothing of it', () => {
    expect(reason(plan(orphan([STOPPED]), 'gpu-c', 'run'))).toContain('look at gpu-a');
    expect(reason(plan(orphan([STOPPED, silent('gpu-c')]), 'gpu-c', 'run'))).toContain('does not answer');
  });
});

describe('recover --orphan of a migration whose target was left for another', () => {
  const elsewhere = (phase: Parameters<typeof at>[1], change: Parameters<typeof at>[2] = {}) =>
    ({ ...at('target', phase, change), node: 'gpu-c' }) as ReturnType<typeof at>;
  const stopped = at('source', 'Stopped', { generation: 2 });
  const newer = elsewhere('Verified', { generation: 2 });

  test('--run of what the target before holds is refused: it is of an earlier generation', () => {
    const planned = plan(orphan([stopped, VERIFIED, newer]), 'gpu-b', 'run');
    expect(reason(planned)).toContain('gpu-b holds generation 1, and the source promised 2');
  });

  test('--run of the last one is refused as long as another could run', () => {
    const planned = plan(orphan([stopped, at('target', 'Active'), newer]), 'gpu-c', 'run');
    expect(reason(planned)).toContain('the set may run on gpu-b');
  });

  test('--run of the last one, and --discard of the one before', () => {
    const both = orphan([stopped, at('target', 'Discarded'), newer]);
    expect(kinds(plan(both, 'gpu-c', 'run'))).toContain('activateTarget');
    const left = plan(orphan([stopped, VERIFIED, newer]), 'gpu-b', 'discard');
    expect(left).toMatchObject({
      steps: expect.arrayContaining([expect.objectContaining({ kind: 'discardTarget', node: 'gpu-b' })]),
    });
  });

  test('--run of the source is refused while any of them runs, and resets them one after the other', () => {
    const runs = plan(orphan([stopped, VERIFIED, elsewhere('Active')]), 'gpu-a', 'run');
    expect(reason(runs)).toContain('gpu-c');
    const first = plan(orphan([stopped, VERIFIED, elsewhere('Discarded')]), 'gpu-a', 'run');
    expect(first).toMatchObject({
      steps: expect.arrayContaining([expect.objectContaining({ node: 'gpu-b', kind: 'discardTarget' })]),
    });
  });
});
