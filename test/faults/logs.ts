/** What the programs have logged of one migration. */
import type { DecisionValue } from '@transship/crds';
import type { FaultNode } from './rig/fault-node.ts';

const linesOf = (log: string, uid: string, message: string): string[] =>
  log.split('\n').filter((line) => line.includes(`"msg":"${message}"`) && line.includes(uid));

/** Every phase that an agent's session entered, in order, across restarts. */
export async function phasesOf({ agent }: FaultNode, uid: string): Promise<string[]> {
  const lines = linesOf(await agent.process.log(), uid, 'session phase');
  return lines.map((line) => (JSON.parse(line) as { phase: string }).phase);
}

/** Every time that the agent could not write its journal. */
export async function journalLines({ agent }: FaultNode, uid: string): Promise<string[]> {
  const lines = linesOf(await agent.process.log(), uid, 'the journal cannot be written');
  return lines.map((line) => (JSON.parse(line) as { error: string }).error);
}

const ENDS = new Set(['Succeeded', 'Failed', 'Aborted', 'Rejected']);

/** The phase in which a migration ended, which outlives its record; null: it has not ended. */
export function endOf(operatorLog: string, uid: string): string | null {
  const reasons = linesOf(operatorLog, uid, 'event').map(
    (line) => (JSON.parse(line) as { reason: string }).reason,
  );
  return reasons.findLast((reason) => ENDS.has(reason)) ?? null;
}

/** The decision that was recorded last; null: none was. */
export function decisionOf(operatorLog: string, uid: string): DecisionValue | null {
  const written = linesOf(operatorLog, uid, 'decision')
    .map((line) => JSON.parse(line) as { to: DecisionValue; outcome: string })
    .filter(({ outcome }) => outcome === 'written');
  return written.at(-1)?.to ?? null;
}
