import { decide, type Action, type Observed } from '@transship/operator/core';
import { incarnation } from './agent-moves.ts';
import { production, type Variant } from './operator-moves.ts';
import type { Side, World } from './world.ts';

/**
 * The protocol with one rule left out each. The rule is taken away from outside (what an agent remembers, what
 * a device tells, what the operator does with its decision), so production carries no switch.
 */
export const rulesOff = {
  /** An agent forgets a migration once it has rolled back and the object has ended: it keeps no tombstone. */
  tombstone: { ...production(), after: forgetRolledBack },
  /**
   * Activate looks at registers alone: a device that was reset or re-opened is taken for the one that was
   * prepared, and one that reads Running counts as started.
   */
  incarnation: { ...production(), after: sameIncarnations },
  /** A stopped source is rolled back while the record still says Undecided. */
  abortRecordedFirst: { ...production(), decide: rollBackOnUndecided },
} satisfies Record<string, Variant>;

function forgetRolledBack(world: World): World {
  const { source, api } = world;
  const forgets = api.ended && source.agent?.session.phase === 'RolledBack';
  return forgets ? { ...world, source: { ...source, agent: null } } : world;
}

function sameIncarnations(world: World): World {
  const blind = (side: Side): Side => {
    if (side.agent === null) return side;
    const { session } = side.agent;
    const devices = session.devices.map((bound, index) => ({
      ...bound,
      incarnation: incarnation(side.devices[index]?.incarnation ?? 0),
    }));
    const running = side.devices.every((device) => device.state === 'Running');
    const phase = session.phase === 'Verified' && running ? 'Starting' : session.phase;
    const live = {
      ...side.agent.live,
      devices: side.agent.live.devices.map((device, index) =>
        device.op === null ? { ...device, state: side.devices[index]?.state ?? device.state } : device,
      ),
    };
    return { ...side, agent: { session: { ...session, phase, devices }, live } };
  };
  return { ...world, source: blind(world.source), target: blind(world.target) };
}

function rollBackOnUndecided(observed: Observed): Action {
  const { source } = observed;
  // In that draft the order carried no decision: the journal has seen none that the record could be behind of.
  const unseen: Observed['source'] =
    source.kind === 'session' ? { ...source, session: { ...source.session, decision: 'Undecided' } } : source;
  const action = decide({ ...observed, source: unseen });
  if (action.kind !== 'recordDecision' || action.to !== 'Abort' || source.kind !== 'session') return action;
  if (source.session.phase === 'RolledBack') return action;
  return { kind: 'commandSource', command: { kind: 'rollBack', decision: 'Abort' } };
}
