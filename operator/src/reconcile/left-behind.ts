import { clipMessage } from '@transship/crds';
import type { Failure } from '@transship/node-agent/contract';
import type { Action, Observed } from '../core/index.ts';
import { clearLeft } from '../core/fallback.ts';
import type { StoredMigration } from './ports.ts';
import type { Told } from './told.ts';

/**
 * The set runs at the target, Commit is recorded, and the source is out of service or declared dead: the core waits for its
 * release, which nobody may ever hear of. The migration ends instead. Nothing is concluded from it about the source, which
 * stays stopped whenever it comes back, since only Revert lets it run; the leftovers release it then.
 */
export function withoutSource(action: Action, observed: Observed): Action {
  const { plan, record, source, target, sourceFenced } = observed;
  if (action.kind !== 'wait' || record.decision !== 'Commit' || 'refused' in plan) return action;
  if (source.kind !== 'unreachable' || sourceFenced !== true) return action;
  if (target.kind !== 'session' || target.session.phase !== 'Active') return action;
  const end = { kind: 'finish', phase: 'Succeeded', failure: null } as const;
  return clearLeft({ ...observed, plan, s: null, t: target.session }, 'Commit', end);
}

/** What a migration that ends now leaves behind on nodes that did not answer; empty when it does not end, or leaves nothing. */
export function leftBehind(
  { spec, status }: StoredMigration,
  { action, source }: { readonly action: Action; readonly source: Observed['source'] },
  silentTargets: ReadonlyMap<string, Failure>,
): readonly Told[] {
  if (action.kind !== 'finish' || !spec.ok) return [];
  const told: Told[] = [];
  if (action.phase === 'Succeeded' && source.kind === 'unreachable')
    told.push(notReleased(spec.value.source.nodeName, status.sourceDead));
  if (silentTargets.size > 0) told.push(notFreed(silentTargets));
  return told;
}

function notReleased(node: string, dead: StoredMigration['status']['sourceDead']): Told {
  const why = dead === undefined ? 'is out of service' : `was declared dead (${dead.proof})`;
  const message = `The source was not released: its node ${node} ${why}. What it held of the set stays stopped there and is handed to nobody; when its agent answers again, its workload is ended and its devices are RESET. Nothing of it runs again.`;
  return {
    type: 'SourceNotReleased',
    status: 'True',
    reason: dead === undefined ? 'OutOfService' : 'DeclaredDead',
    message,
  };
}

function notFreed(nodes: ReadonlyMap<string, Failure>): Told {
  const each = [...nodes].map(([node, { code, message }]) => `${node} (${code}: ${message})`);
  const message = `A target that was left was not freed: ${each.join('; ')}. It was never told to run and holds its devices; they are RESET when its agent answers again.`;
  return { type: 'TargetNotFreed', status: 'True', reason: 'NoAnswer', message: clipMessage(message) };
}
