/** Watches one migration from outside: the record, and the sessions as the agents show them. */
import type { Role, SessionSnapshot } from '@transship/node-agent/contract';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../support/managed-process.ts';
import { stepOf, type Position, type Step } from '../steps.ts';
import type { MigrationRecord } from './door.ts';
import type { FaultNode } from './fault-node.ts';
import type { FaultRig } from './fault-rig.ts';

const PATIENCE_MS = 120_000;
const PAUSE_MS = 20;

export class Watch implements AsyncDisposable {
  readonly name: string;
  readonly uid: string;
  readonly #rig: FaultRig;
  readonly #end = new AbortController();
  readonly #sessions: Record<Role, SessionSnapshot | null> = { source: null, target: null };
  readonly #loops: readonly Promise<void>[];
  #last: MigrationRecord;

  private constructor(rig: FaultRig, name: string, record: MigrationRecord) {
    this.name = name;
    this.uid = record.metadata.uid;
    this.#rig = rig;
    this.#last = record;
    const { source, target } = rig;
    this.#loops = [this.#observe('source', source), this.#observe('target', target)];
  }

  /** Waits for the record of the migration, which has its UID. */
  static async of(rig: FaultRig, name: string): Promise<Watch> {
    const record = await eventually(`the record of ${name}`, PATIENCE_MS, () => rig.record(name));
    return new Watch(rig, name, record);
  }

  /** The newest snapshot; null while the agent knows nothing of the migration. */
  session(role: Role): SessionSnapshot | null {
    const seen = this.#sessions[role];
    return seen === null || seen.fence === 0 ? null : seen;
  }

  /** As it is now; as it was last, when it is gone. */
  async record(): Promise<MigrationRecord> {
    this.#last = (await this.#rig.record(this.name)) ?? this.#last;
    return this.#last;
  }

  async position(): Promise<Position> {
    const { status } = await this.record();
    return {
      decision: status.decision.value,
      stopping: status.stopping !== undefined,
      ended: status.completedAt !== undefined,
      source: this.session('source')?.phase ?? null,
      target: this.session('target')?.phase ?? null,
    };
  }

  async step(): Promise<Step | null> {
    return stepOf(await this.position());
  }

  /** Waits until something holds. @throws with where the migration was last. */
  async until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    await eventually(what, PATIENCE_MS, async () => ((await holds()) ? true : null)).catch(
      async (cause: unknown) => {
        throw new Error(`${what}: ${JSON.stringify(await this.position())}`, { cause });
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await Promise.all(this.#loops);
  }

  async #observe(role: Role, node: FaultNode): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      try {
        for await (const snapshot of node.client.observe(this.uid, role, signal))
          this.#sessions[role] = snapshot;
      } catch {
        // The agent went away, or this watch ends; it is asked again.
      }
      await delay(PAUSE_MS);
    }
  }
}
