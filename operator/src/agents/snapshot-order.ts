import type { SessionSnapshot } from '@transship/node-agent/contract';

/** Agent processes that are remembered as replaced; each is a restart of one agent within one migration. */
const MAX_RETIRED = 64;

/**
 * Lets through what is newer than all before it. Versions grow within one agent process; a new process replaces the one
 * before, and whatever still arrives of that one is older than everything the new one says.
 */
export class SnapshotOrder {
  readonly #retired = new Set<string>();
  #instance: string | null = null;
  #version = -1;

  /** Whether the snapshot is the newest; if so, it is what later ones are measured by. */
  accept({ agentInstance, version }: Pick<SessionSnapshot, 'agentInstance' | 'version'>): boolean {
    if (this.#retired.has(agentInstance)) return false;
    if (agentInstance === this.#instance && version <= this.#version) return false;
    if (this.#instance !== null && agentInstance !== this.#instance) this.#retire(this.#instance);
    this.#instance = agentInstance;
    this.#version = version;
    return true;
  }

  #retire(instance: string): void {
    this.#retired.add(instance);
    const [oldest] = this.#retired;
    if (this.#retired.size > MAX_RETIRED && oldest !== undefined) this.#retired.delete(oldest);
  }
}
