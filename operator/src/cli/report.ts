import type { SessionSnapshot } from '@transship/node-agent/contract';
import { type FoundMigration, type FoundOrphan, sessionOf } from '../recover/plan/found.ts';
import type { Plan, Step } from '../recover/plan/step.ts';
import { foundInWords, stepInWords } from '../recover/plan/words.ts';
import type { Found, Outcome, Witness } from '../recover/run.ts';

/** Writes one line. */
export type Write = (line: string) => void;

export interface Report extends Witness {
  ended(outcome: Outcome): void;
}

/** For a person: what was found, what will be done, what is lost; then each step as it is done. */
export function textReport(write: Write): Report {
  return {
    found(found, plan) {
      if (found !== null) {
        write('Found:');
        for (const line of foundInWords(found)) write(`  ${line}`);
      }
      if (plan.kind === 'refused') return;
      if (plan.steps.length === 0) return;
      write('Steps:');
      for (const [index, step] of plan.steps.entries()) write(`  ${index + 1}. ${stepInWords(step)}`);
      write('Lost by it:');
      if (plan.losses.length === 0) write('  nothing');
      for (const loss of plan.losses) write(`  ${loss}`);
    },
    began: (step) => write(`... ${stepInWords(step)}`),
    did: () => write('    done'),
    ended: (outcome) => write(endInWords(outcome)),
  };
}

function endInWords(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'done':
      return 'Done.';
    case 'nothing':
      return 'Nothing is left to do.';
    case 'wouldAct':
      return 'Nothing was done. Add --yes to do it.';
    case 'refused':
      return `Refused: ${outcome.reason}.`;
    case 'failed':
      return `Failed: ${outcome.reason}. What was done stands; run the same command again.`;
  }
}

/** For a program: one JSON document a line, `kind` tells which. */
export function jsonReport(write: Write): Report {
  const say = (value: object): void => write(JSON.stringify(value));
  return {
    found: (found, plan) => say({ kind: 'plan', found: foundAsData(found), plan: planAsData(plan) }),
    began: (step) => say({ kind: 'began', step: stepAsData(step) }),
    did: (step) => say({ kind: 'did', step: stepAsData(step) }),
    ended: (outcome) => say({ kind: 'end', outcome: outcome.kind, ...reasonOf(outcome) }),
  };
}

const reasonOf = (outcome: Outcome): object => ('reason' in outcome ? { reason: outcome.reason } : {});

const stepAsData = (step: Step): object => ({ ...step, words: stepInWords(step) });

function planAsData(plan: Plan): object {
  return plan.kind === 'refused' ? plan : { ...plan, steps: plan.steps.map(stepAsData) };
}

function foundAsData(found: Found | null): object | null {
  if (found === null) return null;
  if (found.kind === 'migration' || found.kind === 'orphan')
    return { kind: found.kind, object: objectAsData(found), sessions: sessionsAsData(found) };
  return found;
}

function objectAsData({ record }: FoundMigration | FoundOrphan): object | null {
  if (record === null) return null;
  const { key, uid, status } = record;
  const { phase, fence, decision, stopping, completedAt, error } = status;
  return { ...key, uid, phase, fence, decision, stopping, completedAt, error };
}

function sessionsAsData(found: FoundMigration | FoundOrphan): object[] {
  if (found.kind === 'orphan') {
    return found.nodes.flatMap((one): object[] => {
      if (one.kind === 'silent') return [one];
      return one.sessions.map((session) => sessionAsData(one.node, session));
    });
  }
  return [found.source, found.target].map((side) => {
    const session = sessionOf(side);
    return session === null ? side : sessionAsData(side.node, session);
  });
}

/** Without what proves to a source that it may be pulled from. */
function sessionAsData(node: string, session: SessionSnapshot): object {
  return { node, ...session, ticket: undefined };
}
