import type { ReconcilerPorts, StoredMigration } from './ports.ts';
import type { Voyage } from './voyage.ts';

/**
 * Whether the node of the target is marked as shut down. Asked only where it can end a wait: a decision is recorded and the
 * target does not answer.
 */
export async function isTargetFenced(
  { nodes }: ReconcilerPorts,
  { spec, status }: StoredMigration,
  { memory }: Voyage,
  signal: AbortSignal,
): Promise<boolean> {
  if (!spec.ok || status.decision.value === 'Undecided' || memory.target.kind !== 'unreachable') return false;
  return nodes.isOutOfService(spec.value.target.nodeName, signal);
}
