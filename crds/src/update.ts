import type { ErrorCode } from './errors.ts';
import type { Decision, DeviceMigration } from './migration.ts';
import { rules } from './rules.ts';
import type { Refusal } from './validate.ts';

/**
 * The rules that compare an object with what it was: the zod side of the CRD's transition rules. A store without an API
 * server (a folder of manifests) must ask this before it writes.
 */
export function checkUpdate(old: DeviceMigration, next: DeviceMigration): { readonly ok: true } | Refusal {
  if (!same(old.spec, next.spec)) return refused('InvalidManifest', 'spec', rules.specImmutable);
  if (next.status.fence < old.status.fence) return refused('StaleFence', 'status.fence', rules.fenceRises);
  if (!decisionMayBecome(old.status.decision, next.status.decision)) {
    return refused('RecordRegressed', 'status.decision', rules.decisionOnce);
  }
  if (old.status.stopping !== undefined && !same(old.status.stopping, next.status.stopping)) {
    return refused('RecordRegressed', 'status.stopping', rules.stoppingOnce);
  }
  if (!same(old.status.sourceDead, next.status.sourceDead) && !sourceMayBeDead(old, next)) {
    return refused('RecordRegressed', 'status.sourceDead', rules.sourceDeadOnce);
  }
  for (const pod of ['sourcePod', 'targetPod'] as const) {
    if (old.status[pod] !== undefined && !same(old.status[pod], next.status[pod]))
      return refused('RecordRegressed', `status.${pod}`, rules.podsOnce);
  }
  if (!same(old.status.target, next.status.target) && !targetMayChange(old, next)) {
    return refused('RecordRegressed', 'status.target', rules.targetWithFence);
  }
  return { ok: true };
}

/** Whoever leaves a target fences off all that was ordered or written for it. */
const targetMayChange = (old: DeviceMigration, next: DeviceMigration): boolean =>
  next.status.target !== undefined &&
  next.status.fence > old.status.fence &&
  next.status.decision.value === 'Undecided';

/** Only what is committed may go on without its source. */
const sourceMayBeDead = (old: DeviceMigration, next: DeviceMigration): boolean =>
  old.status.sourceDead === undefined && next.status.decision.value === 'Commit';

function decisionMayBecome(old: Decision, next: Decision): boolean {
  if (old.value === next.value) return old.value === 'Undecided' || same(old, next);
  if (old.value === 'Undecided') return next.value === 'Commit' || next.value === 'Abort';
  return old.value === 'Commit' && next.value === 'Revert';
}

function refused(code: ErrorCode, path: string, sentence: string): Refusal {
  return { ok: false, code, message: `${path}: ${sentence}`, path };
}

/** Deep equality of plain JSON values; a key that is absent and one that is undefined are the same. */
function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = new Map(Object.entries(a));
  const right = new Map(Object.entries(b));
  return [...new Set([...left.keys(), ...right.keys()])].every((key) => same(left.get(key), right.get(key)));
}
