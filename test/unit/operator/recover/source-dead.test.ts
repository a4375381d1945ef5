import { describe, expect, test } from '@jest/globals';
import { planSourceDead } from '@transship/operator/internal/recover/plan/source-dead';
import type { Side } from '@transship/operator/internal/recover/plan/found';
import { FENCE } from '../core/fixture.ts';
import { Loop } from '../reconcile/loop.ts';
import { at, broken, migration, PROOF, reason, type Recorded, silent } from './fixture.ts';
import { Stage } from './stage.ts';

const GONE = silent('gpu-a');
const VERIFIED = at('target', 'Verified');
const UNKNOWN: Side = { ...GONE, failure: { code: 'NodeUnknown', message: 'not known', device: null } };

const plan = (source: Side, target: Side, recorded: Recorded = {}, unknownIsSilent = true) =>
  planSourceDead(migration(source, target, recorded), { kind: 'sourceDead', proof: PROOF, unknownIsSilent });

describe('recover --source-is-dead', () => {
  test.each(['Verified', 'Activating', 'Starting', 'Active'] as const)(
    'writes the word down while the target is %s, and nothing else',
    (phase) => {
      expect(plan(GONE, at('target', phase))).toMatchObject({
        steps: [{ kind: 'recordSourceDead', node: 'gpu-a', runs: phase === 'Active', proof: PROOF }],
        losses: [expect.stringContaining('gpu-a')],
      });
    },
  );

  test('is refused while the agent of the source answers, whatever it says', () => {
    for (const phase of ['Stopped', 'Fenced', 'RolledBack'] as const)
      expect(reason(plan(at('source', phase), VERIFIED))).toContain(`answers and says ${phase}`);
  });

  test('is refused unless Commit is recorded, and once it has ended', () => {
    expect(reason(plan(GONE, VERIFIED, { decision: 'Undecided' }))).toContain('Undecided');
    for (const decision of ['Abort', 'Revert'] as const)
      expect(reason(plan(GONE, VERIFIED, { decision }))).toContain('run at the source');
    expect(reason(plan(GONE, VERIFIED, { ended: 'TargetLost' }))).toContain('has ended');
  });

  test.each([
    ['is silent as well', silent('gpu-b'), 'does not answer either'],
    ['has lost a device', broken('target', 'Verified', { lost: true }), 'lost what it was given'],
    ['has forgotten the set', at('target', 'Fenced', { fence: 0 }), 'Fenced'],
    ['has given the set up', at('target', 'Discarded'), 'Discarded'],
    ['has not promised', at('target', 'Loading'), 'Loading'],
  ] as const)('is refused when the target %s', (_, target, why) => {
    expect(reason(plan(GONE, target))).toContain(why);
  });

  test('is refused when no device of the target answers', () => {
    const devices = at('target', 'Verified').kind === 'session' ? broken('target', 'Verified', {}) : null;
    if (devices?.kind !== 'session') throw new Error('no session');
    const mute = devices.session.devices.map((device) => ({ ...device, state: 'Unknown' as const }));
    expect(reason(plan(GONE, at('target', 'Verified', { devices: mute })))).toContain('none of its devices');
  });

  test('is refused for a record that is behind a journal', () => {
    expect(reason(plan(GONE, at('target', 'Verified', { fence: FENCE + 1 })))).toContain('--orphan');
  });

  test('takes a node without an agent for dead only where every node is known', () => {
    expect(plan(UNKNOWN, VERIFIED)).toMatchObject({ steps: [{ kind: 'recordSourceDead' }] });
    expect(reason(plan(UNKNOWN, VERIFIED, {}, false))).toContain('--agent gpu-a=HOST:PORT');
  });
});

/** Commit is recorded, and the source falls silent before it hears of that. */
async function sourceGone(): Promise<Stage> {
  const loop = new Loop();
  const record = loop.store.recordDecision.bind(loop.store);
  loop.store.recordDecision = async (...args) => {
    if (args[2] === 'Commit') loop.source.silent = true;
    return record(...args);
  };
  for (let turn = 0; turn < 40 && !loop.source.silent; turn += 1) await loop.run(1);
  await loop.run(2);
  expect(loop.target.node.phase).toBe('Verified');
  return new Stage(loop);
}

const REQUEST = { kind: 'sourceDead', proof: PROOF, unknownIsSilent: true } as const;

describe('a run of it', () => {
  test('without --yes writes nothing', async () => {
    const stage = await sourceGone();
    expect(await stage.run(REQUEST, false)).toEqual({ kind: 'wouldAct' });
    expect(stage.loop.store.stored?.status.sourceDead).toBeUndefined();
  });

  test('lets the operator start the target, and the end says what was not released', async () => {
    const stage = await sourceGone();
    const { loop } = stage;
    const { fence } = loop.store.stored!.status;
    expect(await stage.run(REQUEST)).toEqual({ kind: 'done' });
    expect(await stage.run(REQUEST)).toEqual({ kind: 'nothing' });
    expect(loop.store.stored!.status).toMatchObject({ fence, sourceDead: { proof: PROOF, by: 'recover-1' } });
    await loop.run(40);
    expect(loop.store.stored!.status).toMatchObject({ phase: 'Succeeded', fence });
    expect(loop.store.stored!.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'SourceNotReleased', message: expect.stringContaining(PROOF) }),
    );
    expect(loop.target.node.phase).toBe('Active');
    expect(loop.source.node.phase).toBe('Stopped');
  });

  test('is done although the operator has ended the migration before it looks again', async () => {
    const stage = await sourceGone();
    stage.hook = async (moment) => {
      if (moment === 'after patchStatus') await stage.loop.run(40);
    };
    expect(await stage.run(REQUEST)).toEqual({ kind: 'done' });
    expect(stage.loop.store.stored?.status).toMatchObject({ phase: 'Succeeded' });
  });

  test.each([true, false])('reads back a write without an answer (applied: %s)', async (applied) => {
    const stage = await sourceGone();
    stage.loop.store.upset = { write: 'status', applied };
    expect((await stage.run(REQUEST)).kind).toMatch(/^(?:done|nothing)$/u);
    expect(stage.loop.store.stored?.status.sourceDead).toMatchObject({ proof: PROOF });
  });

  test('fails where the definition of the object drops the word', async () => {
    const stage = await sourceGone();
    const { store } = stage.loop;
    store.patchStatus = (read) => Promise.resolve({ kind: 'written', stored: read });
    expect(await stage.run(REQUEST)).toMatchObject({ kind: 'failed', code: 'VersionSkew' });
  });

  test('that is given for another object changes nothing for this one', async () => {
    const stage = await sourceGone();
    const { loop } = stage;
    await stage.run(REQUEST);
    const { sourceDead: _, ...status } = loop.store.stored!.status;
    // Created anew under the same name: another UID, whose record says nothing of a dead source.
    loop.store.stored = { ...loop.store.stored!, status };
    await loop.run(30);
    expect(loop.store.stored.status.completedAt).toBeUndefined();
    expect(loop.target.node.phase).toBe('Verified');
  });
});

test('each order names the session that it was planned for', async () => {
  const stage = await sourceGone();
  const { source, target } = stage.loop;
  source.silent = false;
  target.silent = true;
  const named: unknown[] = [];
  const obey = source.command.bind(source);
  source.command = (request) => {
    named.push([request.command.kind, request.header.ticket]);
    return obey(request);
  };
  expect(await stage.run({ kind: 'source', proof: PROOF })).toEqual({ kind: 'done' });
  expect(named).toEqual([
    ['attach', undefined],
    ['rollBack', source.node.view.ticket],
  ]);
  expect(source.node.view.ticket).not.toBe('');
});

test('--source --target-is-dead brings a source back that has written Commit down', async () => {
  const loop = new Loop();
  const { source, target } = loop;
  const obey = target.command.bind(target);
  target.command = (request) => {
    if (request.command.kind === 'activate') target.silent = true;
    return obey(request);
  };
  for (let turn = 0; turn < 40 && !target.silent; turn += 1) await loop.run(1);
  expect(source.node.view).toMatchObject({ phase: 'Stopped', decision: 'Commit' });
  const stage = new Stage(loop);
  expect(await stage.run({ kind: 'source', proof: PROOF })).toEqual({ kind: 'done' });
  expect(source.node.view).toMatchObject({ phase: 'RolledBack', decision: 'Revert' });
  expect(source.node.workload).toBe('running');
  expect(source.node.states).toEqual(['Running', 'Running']);
});
