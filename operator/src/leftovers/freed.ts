import type { ConditionType } from '@transship/crds';
import type { MigrationKey, MigrationStore } from '../reconcile/ports.ts';

/** Conditions that say that a migration has ended without one of its nodes. */
const LEFT: ReadonlySet<string> = new Set<ConditionType>(['SourceNotReleased', 'TargetNotFreed']);

/** Takes those conditions away once nothing is held any more. False: it is not known to be written; to be tried again. */
export async function tellFreed(
  store: Pick<MigrationStore, 'get' | 'patchStatus'>,
  { key, uid }: { readonly key: MigrationKey; readonly uid: string },
  signal: AbortSignal,
): Promise<boolean> {
  const stored = await store.get(key, signal);
  if (stored === null || stored.uid !== uid) return true;
  const { conditions } = stored.status;
  const kept = conditions.filter(({ type }) => !LEFT.has(type));
  if (kept.length === conditions.length) return true;
  const { kind } = await store.patchStatus(stored, { conditions: kept }, signal);
  return kind === 'written' || kind === 'gone';
}
