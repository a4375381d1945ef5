import type { ReconcilerPorts, StoredMigration } from './ports.ts';
import { leftTargetsOf, nextTargetOf, targetNodeOf } from './target-node.ts';
import type { Voyage } from './voyage.ts';

/**
 * Whether the node of the target is marked as shut down. Asked only where it can end a wait: the target does not answer, and
 * a decision is recorded or another node could take the set.
 */
export async function isTargetFenced(
  { nodes }: ReconcilerPorts,
  { spec, status }: StoredMigration,
  { memory }: Voyage,
  signal: AbortSignal,
): Promise<boolean> {
  if (!spec.ok || memory.target.kind !== 'unreachable') return false;
  if (status.decision.value === 'Undecided' && nextTargetOf(spec.value, status) === null) return false;
  return nodes.isOutOfService(targetNodeOf(spec.value, status), signal);
}

/**
 * The same of the source, which is told of Commit before the target is activated: asked only once that is recorded, of a
 * source that does not answer. The word of a person on this record counts as much as the mark.
 */
export async function isSourceFenced(
  { nodes }: ReconcilerPorts,
  { spec, status }: StoredMigration,
  { memory }: Voyage,
  signal: AbortSignal,
): Promise<boolean> {
  if (!spec.ok || status.decision.value !== 'Commit' || memory.source.kind !== 'unreachable') return false;
  if (status.sourceDead !== undefined) return true;
  return nodes.isOutOfService(spec.value.source.nodeName, signal);
}

/** Those nodes of targets that were left that do not answer and are marked as shut down. */
export async function fencedLeft(
  { nodes }: ReconcilerPorts,
  { status }: StoredMigration,
  { memory }: Voyage,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const silent = leftTargetsOf(status).filter((node) => memory.left[node]?.kind === 'unreachable');
  const fenced = await Promise.all(silent.map((node) => nodes.isOutOfService(node, signal)));
  return new Set(silent.filter((_, index) => fenced[index]));
}
