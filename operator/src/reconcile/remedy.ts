import { clipMessage, type Condition } from '@transship/crds';
import type { Observed } from '../core/index.ts';
import type { StoredMigration } from './ports.ts';

/**
 * What a person can do about an agent that a committed migration waits for; null: it waits for none, or not for the one that
 * a person can answer for.
 */
function remedyOf({ key, spec, status }: StoredMigration, { source, target }: Observed): string | null {
  if (!spec.ok || status.decision.value !== 'Commit') return null;
  const name = key.namespace === '' ? key.name : `${key.namespace}/${key.name}`;
  const { nodeName } = spec.value.source;
  if (source.kind === 'unreachable' && target.kind === 'session' && status.sourceDead === undefined)
    return `If ${nodeName} is gone for good, \`transship recover ${name} --source-is-dead "PROOF"\` lets the set run on without it, and so does the taint node.kubernetes.io/out-of-service on its Node.`;
  if (target.kind === 'unreachable' && source.kind === 'session')
    return `If it is gone for good, \`transship recover ${name} --source --target-is-dead "PROOF"\` lets the set run at ${nodeName} again.`;
  return null;
}

/** The conditions, with the way out in the one that says which agent is waited for. */
export function withRemedy(
  conditions: readonly Condition[],
  stored: StoredMigration,
  observed: Observed,
): Condition[] {
  const remedy = remedyOf(stored, observed);
  return conditions.map((one) =>
    remedy !== null && one.type === 'Reconciling' && one.reason === 'WaitingForAgent'
      ? { ...one, message: clipMessage(`${one.message} ${remedy}`) }
      : one,
  );
}
