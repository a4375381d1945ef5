import { bindsDevices } from '@transship/node-agent/core';
import type { SessionSnapshot } from '@transship/node-agent/contract';
import { Leftovers } from '@transship/operator/internal/leftovers/leftovers';
import type { InstantAgent, Loop } from '../reconcile/loop.ts';
import { RecordLog } from '../support/record-log.ts';

/**
 * Leftovers of the loop's store and agents, and what they have said to people;
 * agents hold sessions of `others` too, whose records cannot be read.
 */
export function leftoversOf(loop: Loop, others: readonly string[] = []) {
  const said: string[] = [];
  const sessions = (agent: InstantAgent): SessionSnapshot[] => {
    const snapshots: SessionSnapshot[] = [];
    const stop = agent.observe.bind(agent);
    stop('uid-1', 'target', (snapshot) => snapshots.push(snapshot));
    agent.tell();
    const bound = snapshots.filter(({ phase }) => bindsDevices(phase)).slice(-1);
    return bound.flatMap((session) => [...others.map((uid) => ({ ...session, uid })), session]);
  };
  const agent = (node: string) => {
    const found = [loop.source, loop.target, loop.fallback].find(({ prefix }) => prefix === node);
    if (found === undefined) return null;
    return {
      command: found.command.bind(found),
      sessions: () =>
        Promise.resolve(
          found.silent
            ? {
                kind: 'unreachable' as const,
                failure: { code: 'AgentUnreachable', message: '', device: null },
              }
            : { kind: 'sessions' as const, sessions: sessions(found) },
        ),
    };
  };
  const leftovers = new Leftovers({
    store: {
      get: ({ name }) =>
        others.includes(name) ? Promise.reject(new Error('of another version')) : loop.store.get(),
      raiseFence: loop.store.raiseFence.bind(loop.store),
      patchStatus: loop.store.patchStatus.bind(loop.store),
    },
    agents: { agent },
    events: { publish: (_, { reason, message }) => said.push(`${reason}: ${message}`) },
    clock: loop.clock,
    log: new RecordLog(),
    instance: 'operator-2',
  });
  return { leftovers, said };
}
