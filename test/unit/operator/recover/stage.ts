import type { SessionSnapshot } from '@transship/node-agent/contract';
import { unknownSession } from '@transship/node-agent/contract';
import { view, type Failure } from '@transship/node-agent/core';
import type { RecoveryAgent, RecoveryPorts } from '@transship/operator/internal/recover/ports';
import type { Request } from '@transship/operator/internal/recover/plan/request';
import { recover, type Outcome, type Witness } from '@transship/operator/internal/recover/run';
import type { Loop, InstantAgent } from '../reconcile/loop.ts';
import { KEY, type MemoryStore } from '../reconcile/memory-store.ts';

const GONE: Failure = { code: 'AgentUnreachable', message: 'no answer', device: null };

/** Called before and after everything that changes the world; throws where the program is to die. */
export type Hook = (moment: string) => void | Promise<void>;

/** What a program that died has thrown. */
export class Killed extends Error {
  override readonly name = 'Killed';
}

/** A recovery beside a loop: the production transitions of the agents, and a record in memory. */
export class Stage {
  readonly loop: Loop;
  readonly told: string[] = [];
  hook: Hook = () => undefined;
  #runs = 0;

  constructor(loop: Loop) {
    this.loop = loop;
  }

  /** Another run of the program. */
  async run(request: Request, yes = true): Promise<Outcome> {
    this.#runs += 1;
    const witness: Witness = {
      found: (_, plan) => this.told.push(plan.kind),
      began: ({ kind }) => this.told.push(`began ${kind}`),
      did: ({ kind }) => this.told.push(`did ${kind}`),
    };
    const key = request.kind === 'orphan' || request.kind === 'device' ? null : KEY;
    const options = { request, key, yes, enter: () => Promise.resolve() };
    return recover(this.#ports(`recover-${this.#runs}`), options, witness, new AbortController().signal);
  }

  #ports(instance: string): RecoveryPorts {
    const { loop } = this;
    const agents = new Map([
      ['gpu-a', this.#agent(loop.source)],
      ['gpu-b', this.#agent(loop.target)],
    ]);
    return {
      store: this.#store(loop.store),
      find: async (uid) => (loop.store.stored?.uid === uid ? loop.store.stored : null),
      nodes: () => [...agents.keys()],
      agent: (node) => agents.get(node) ?? null,
      clock: {
        now: () => loop.clock.now(),
        wallNow: () => loop.clock.wallNow(),
        sleep: async (ms) => loop.clock.jump(ms),
      },
      instance,
    };
  }

  async #moment<Result>(name: string, act: () => Promise<Result>): Promise<Result> {
    await this.hook(`before ${name}`);
    const result = await act();
    await this.hook(`after ${name}`);
    return result;
  }

  #store(store: MemoryStore): RecoveryPorts['store'] {
    return {
      get: () => store.get(),
      raiseFence: (...args) => this.#moment('raiseFence', () => store.raiseFence(...args)),
      recordDecision: (read, from, to, by, why) =>
        this.#moment('recordDecision', () => store.recordDecision(read, from, to, by, why)),
      patchStatus: (read, patch) => this.#moment('patchStatus', () => store.patchStatus(read, patch)),
    };
  }

  #agent(agent: InstantAgent): RecoveryAgent {
    const unreachable = { kind: 'unreachable', failure: GONE } as const;
    const snapshot = (): SessionSnapshot | null =>
      agent.node.agent === null
        ? null
        : { ...view(agent.node.agent), version: 1, agentInstance: agent.prefix };
    return {
      describe: () => Promise.resolve(unreachable),
      endQuarantine: () => Promise.resolve(unreachable),
      command: (request) => this.#moment(request.command.kind, () => agent.command(request)),
      session: async (uid, role) => {
        if (agent.silent) return unreachable;
        return { kind: 'snapshot', session: snapshot() ?? unknownSession(uid, role, agent.prefix) };
      },
      sessions: async () => {
        const found = snapshot();
        return agent.silent ? unreachable : { kind: 'sessions', sessions: found === null ? [] : [found] };
      },
    };
  }
}
