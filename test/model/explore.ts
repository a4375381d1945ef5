import { agentMoves, deliver } from './agent-moves.ts';
import { violated } from './invariants.ts';
import { lateWrites, operatorMoves, type Variant } from './operator-moves.ts';
import { fingerprint } from './fingerprint.ts';
import { spend, type Move, type World } from './world.ts';

export interface Result {
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  /** Objects that ended, by outcome. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** The queue was worked off; false: the bound on states was reached first. */
  readonly exhausted: boolean;
  readonly violation: { readonly what: string; readonly trace: readonly string[] } | null;
}

/** Everything that can happen next. */
export function moves(world: World, variant: Variant): Move[] {
  const next: Move[] = [...operatorMoves(world, variant), ...lateWrites(world)];
  world.network.forEach((message, index) => {
    const name = `${message.command.kind} ${message.fence}.${message.sequence} reaches the ${message.role}`;
    next.push({ label: name, world: deliver(world, index, false) });
    const twice = spend(world, 'duplicate');
    if (twice !== null) next.push({ label: `${name} and is duplicated`, world: deliver(twice, index, true) });
  });
  next.push(...agentMoves(world, 'source'), ...agentMoves(world, 'target'));
  const cancelled = world.api.deletionRequested || world.api.ended ? null : spend(world, 'deletion');
  if (cancelled !== null) {
    next.push({
      label: 'the object is deleted',
      world: { ...cancelled, api: { ...world.api, deletionRequested: true } },
    });
  }
  return next.map(({ label, world: to }) => ({ label, world: variant.after(to) }));
}

/**
 * Breadth-first over every reachable state, so a violation comes with a shortest trace. Ends when the queue
 * is empty or `bound` states were seen. `counts`: which violations end it; all, but for a test that looks for
 * one consequence of a rule that is off.
 */
export function explore(
  initial: World,
  variant: Variant,
  bound: number,
  counts: (what: string) => boolean = () => true,
): Result {
  const seen = new Set([fingerprint(initial)]);
  const labels: string[] = [''];
  const parents: number[] = [-1];
  const outcomes: Record<string, number> = {};
  let layer: { world: World; id: number }[] = [{ world: initial, id: 0 }];
  let transitions = 0;
  let depth = 0;
  const trace = (id: number): string[] => {
    const steps: string[] = [];
    for (let at = id; at > 0; at = parents[at] ?? -1) steps.unshift(labels[at] ?? '');
    return steps;
  };
  const result = (exhausted: boolean, violation: Result['violation']): Result => ({
    states: seen.size,
    transitions,
    depth,
    outcomes,
    exhausted,
    violation,
  });
  while (layer.length > 0) {
    const following: typeof layer = [];
    for (const { world, id } of layer) {
      const next = moves(world, variant);
      const dead = '2: nothing can happen and the object has not ended';
      if (next.length === 0 && !world.api.ended && counts(dead)) {
        return result(false, { what: dead, trace: trace(id) });
      }
      for (const { label, world: to } of next) {
        transitions += 1;
        const key = fingerprint(to);
        if (seen.has(key)) continue;
        seen.add(key);
        const child = labels.push(label) - 1;
        parents.push(id);
        const what = violated(to);
        if (what !== null && counts(what)) return result(false, { what, trace: trace(child) });
        if (to.api.ended && !world.api.ended) {
          const name = `${to.api.outcome?.phase}/${to.api.outcome?.code}`;
          outcomes[name] = (outcomes[name] ?? 0) + 1;
        }
        if (seen.size >= bound) return result(false, null);
        following.push({ world: to, id: child });
      }
    }
    layer = following;
    depth += 1;
  }
  return result(true, null);
}
