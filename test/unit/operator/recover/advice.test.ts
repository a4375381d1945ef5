import { expect, test } from '@jest/globals';
import type { SessionView } from '@transship/operator/core';
import { planDiscard } from '@transship/operator/internal/recover/plan/discard';
import { planOrphan } from '@transship/operator/internal/recover/plan/orphan';
import { planSource } from '@transship/operator/internal/recover/plan/source';
import type { Side } from '@transship/operator/internal/recover/plan/found';
import type { Plan } from '@transship/operator/internal/recover/plan/step';
import { FENCE } from '../core/fixture.ts';
import { at, broken, migration, orphan, PROOF, type Recorded, record, silent, UID } from './fixture.ts';

/** What a person has before them, and what they call. */
interface Case {
  readonly source: Side;
  readonly target: Side;
  readonly recorded: Recorded;
}

type Call =
  | { readonly kind: 'source' }
  | { readonly kind: 'discard' }
  | {
      readonly kind: 'orphan';
      readonly node: string;
      readonly end: 'run' | 'discard';
      readonly proof: boolean;
    };

function ask(given: Case, call: Call): Plan {
  const { source, target, recorded } = given;
  if (call.kind === 'source') return planSource(migration(source, target, recorded), PROOF);
  if (call.kind !== 'orphan') return planDiscard(migration(source, target, recorded));
  const fences = [source, target].map((side) => (side.kind === 'session' ? side.session.fence : 0));
  const behind = Math.max(...fences) > (recorded.fence ?? FENCE);
  // As the operator says of an object that has not ended.
  const code = behind ? 'RecordRegressed' : 'RecordMissing';
  const stalled = recorded.ended === undefined ? { code, message: '', device: null } : null;
  const { node, end } = call;
  const proof = call.proof ? PROOF : null;
  const found = orphan([source, target], { record: record(recorded), stalled });
  return planOrphan(found, { kind: 'orphan', uid: UID, node, end, proof, sourceProof: null });
}

const OFF = /(?:switch|switched) gpu-b off/u;
const ONCE_ACTIVE = /when it says Active/u;

/** Every way that a refusal shows, as the next call, each in the situation that it asks for. */
function ways(given: Case, call: Call, said: string): [Case, Call][] {
  const found: [Case, Call][] = [];
  const active = ONCE_ACTIVE.test(said) ? { ...given, target: at('target', 'Active') } : given;
  if (said.includes('default/trainer-0 --source')) found.push([given, { kind: 'source' }]);
  if (said.includes('default/trainer-0 --discard') || said.includes('or `--discard`'))
    found.push([active, { kind: 'discard' }]);
  else if (ONCE_ACTIVE.test(said)) found.push([active, call]);
  const proof = said.includes('--target-is-dead');
  for (const [, node = '', end] of said.matchAll(/--node (\S+) --(run|discard)/gu)) {
    const named = node === 'NODE' ? ['gpu-a', 'gpu-b'] : [node];
    for (const one of named)
      found.push([
        given,
        { kind: 'orphan', node: one, end: end === 'run' ? 'run' : 'discard', proof: false },
      ]);
  }
  if (call.kind === 'orphan' && said.includes('; --discard'))
    found.push([given, { ...call, end: 'discard' }]);
  if (call.kind === 'orphan' && said.includes('; --run')) found.push([given, { ...call, end: 'run' }]);
  const again = call.kind === 'orphan' ? { ...call, proof: call.proof || proof } : call;
  if (OFF.test(said)) found.push([{ ...given, target: silent('gpu-b') }, again]);
  else if (proof) found.push([given, again]);
  return found;
}

/** Follows all that is advised; throws when it leads round, or on and on. */
function follow(given: Case, call: Call, before: readonly string[] = []): void {
  const plan = ask(given, call);
  if (plan.kind === 'steps') return;
  const here = JSON.stringify([given.target, call]);
  const path = [...before, `${JSON.stringify(call)}: ${plan.reason}`];
  if (before.length > 4) throw new Error(path.join('\n'));
  for (const [next, made] of ways(given, call, plan.reason)) {
    if (JSON.stringify([next.target, made]) === here) throw new Error(`round: ${path.join('\n')}`);
    follow(next, made, path);
  }
}

const CALLS: readonly Call[] = [
  { kind: 'source' },
  { kind: 'discard' },
  ...['gpu-a', 'gpu-b'].flatMap((node) =>
    (['run', 'discard'] as const).map((end): Call => ({ kind: 'orphan', node, end, proof: false })),
  ),
];

const SOURCES = [
  'Stopped',
  'RollingBack',
  'Restarting',
  'RolledBack',
  'Releasing',
  'Released',
  'Fenced',
] as const;
const TARGETS = ['Fenced', 'Loading', 'Verified', 'Activating', 'Starting', 'Active', 'Discarding'] as const;
const targets: readonly (readonly [string, Side])[] = [
  ['silent', silent('gpu-b')],
  ...[...TARGETS, 'Discarded' as const].map((phase) => [phase, at('target', phase)] as const),
  ['Activating, lost', broken('target', 'Activating', { lost: true })],
  ['Discarded, withheld', broken('target', 'Discarded', { quarantined: true })],
];
const records: readonly (readonly [string, Recorded])[] = (['Commit', 'Revert', 'Abort'] as const).flatMap(
  (decision): [string, Recorded][] => [
    [decision, { decision }],
    [`${decision}, ended`, { decision, ended: 'TargetLost', recovered: 'False' }],
    [`${decision}, ended and restored`, { decision, ended: 'TargetLost', fence: FENCE - 1 }],
    [`${decision}, restored`, { decision, fence: FENCE - 1 }],
  ],
);
const sources: readonly (readonly [string, SessionView['phase']])[] = SOURCES.map((phase) => [phase, phase]);

test.each(sources)('what a refusal advises is accepted: source %s', (_name, phase) => {
  const round: string[] = [];
  for (const [what, recorded] of records) {
    for (const [state, target] of targets) {
      for (const call of CALLS) {
        const given = { source: at('source', phase), target, recorded };
        try {
          follow(given, call);
        } catch (error) {
          round.push(`${what}; target ${state}: ${String(error)}`);
        }
      }
    }
  }
  expect(round).toEqual([]);
});
