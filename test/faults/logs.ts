/** What the programs have logged of one migration. */
import type { DecisionValue } from '@transship/crds';
import type { FaultNode } from './rig/fault-node.ts';

/** Lines with a message; the last one of a program that was killed may be cut off, and tells nothing then. */
export const entriesOf = <T>(log: string, message: string): T[] =>
  log
    .split('\n')
    .filter((line) => line.includes(`"msg":"${message}"`))
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as T];
      } catch {
        return [];
      }
    });

/** The same of one migration. */
export const linesOf = <T>(log: string, uid: string, message: string): T[] =>
  entriesOf<T & { readonly uid?: string }>(log, message).filter((entry) => entry.uid === uid);

/** Every phase that an agent's session entered, in order, across restarts. */
export async function phasesOf({ agent }: FaultNode, uid: string): Promise<string[]> {
  return linesOf<{ phase: string }>(await agent.process.log(), uid, 'session phase').map(
    ({ phase }) => phase,
  );
}

/** Every time that the agent could not write its journal. */
export async function journalLines({ agent }: FaultNode, uid: string): Promise<string[]> {
  const lines = linesOf<{ error: string }>(await agent.process.log(), uid, 'the journal cannot be written');
  return lines.map(({ error }) => error);
}

const ENDS = new Set(['Succeeded', 'Failed', 'Aborted', 'Rejected']);

/** The phase in which a migration ended, which outlives its record; null: it has not ended. */
export function endOf(operatorLog: string, uid: string): string | null {
  const reasons = linesOf<{ reason: string }>(operatorLog, uid, 'event').map(({ reason }) => reason);
  return reasons.findLast((reason) => ENDS.has(reason)) ?? null;
}

/** The decision that was recorded last; null: none was. */
export function decisionOf(operatorLog: string, uid: string): DecisionValue | null {
  const written = linesOf<{ to: DecisionValue; outcome: string }>(operatorLog, uid, 'decision').filter(
    ({ outcome }) => outcome === 'written',
  );
  return written.at(-1)?.to ?? null;
}
