/** Watches one migration between guests from outside: its record, and the sessions as the agents show them. */
import { setTimeout as delay } from 'node:timers/promises';
import { createAgentClient, loadTls } from '@transship/node-agent/contract';
import type { AgentClient, Role, SessionSnapshot } from '@transship/node-agent/contract';
import { stepOf } from '../../faults/steps.ts';
import type { Position, Step } from '../../faults/steps.ts';
import { eventually } from '../../support/managed-process.ts';
import type { MigrationRecord } from './manifests.ts';
import type { KernelNode } from './node.ts';
import type { KernelPair } from './pair.ts';

const PATIENCE_MS = 600_000;
const PAUSE_MS = 100;

export type Sides = Readonly<Record<Role, KernelNode>>;

export class StepWatch implements AsyncDisposable {
  readonly #pair: KernelPair;
  readonly #name: string;
  readonly #end = new AbortController();
  readonly #sessions: Record<Role, SessionSnapshot | null> = { source: null, target: null };
  readonly #clients: readonly AgentClient[];
  readonly #loops: readonly Promise<void>[];

  private constructor(
    pair: KernelPair,
    name: string,
    uid: string,
    clients: Readonly<Record<Role, AgentClient>>,
  ) {
    this.#pair = pair;
    this.#name = name;
    this.#clients = [clients.source, clients.target];
    this.#loops = (['source', 'target'] as const).map((role) => this.#observe(uid, role, clients[role]));
  }

  /** Waits until the migration is recorded. Asks the agents themselves, whatever stands before them. */
  static async of(pair: KernelPair, name: string, sides: Sides): Promise<StepWatch> {
    const { metadata } = await eventually(`the record of ${name}`, PATIENCE_MS, () =>
      pair.manifests.record(name),
    );
    const tls = await loadTls(pair.tls);
    const client = ({ endpoint, name: nodeName }: KernelNode): AgentClient =>
      createAgentClient({ endpoint, tls, nodeName });
    return new StepWatch(pair, name, metadata.uid, {
      source: client(sides.source),
      target: client(sides.target),
    });
  }

  /** The newest snapshot; null while the agent knows nothing of the migration. */
  session(role: Role): SessionSnapshot | null {
    const seen = this.#sessions[role];
    return seen === null || seen.fence === 0 ? null : seen;
  }

  async step(): Promise<Step | null> {
    return stepOf(await this.#position());
  }

  /** Waits until something holds. @throws with where the migration was last when it does not, or ends before. */
  async until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    try {
      await eventually(what, PATIENCE_MS, async () => {
        if (await holds()) return true;
        if ((await this.#position()).ended) throw new Error('it has ended before');
        return null;
      });
    } catch (cause) {
      throw new Error(`${what}: ${JSON.stringify(await this.#position())}`, { cause });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await Promise.all(this.#loops);
    for (const client of this.#clients) client.close();
  }

  async #position(): Promise<Position> {
    const record: MigrationRecord | null = await this.#pair.manifests.record(this.#name);
    return {
      decision: record?.status.decision.value ?? 'Undecided',
      stopping: record?.status.stopping !== undefined,
      ended: record?.status.completedAt !== undefined,
      source: this.session('source')?.phase ?? null,
      target: this.session('target')?.phase ?? null,
    };
  }

  async #observe(uid: string, role: Role, client: AgentClient): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      try {
        for await (const snapshot of client.observe(uid, role, signal)) this.#sessions[role] = snapshot;
      } catch {
        // The agent went away, or this watch ends; it is asked again.
      }
      await delay(PAUSE_MS);
    }
  }
}
