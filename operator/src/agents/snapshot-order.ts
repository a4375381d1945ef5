import type { SessionSnapshot } from '@transship/node-agent/contract';

/** Agent processes that are remembered as replaced; each is a restart of one agent within one migration. */
const MAX_RETIRED = 64;

/**
 * Knows the newest snapshot of one session, by whichever way it came: a reply and an observed snapshot may overtake each
 * other. Versions grow within one agent process; a new process replaces the one before, and whatever still arrives of
 * that one is older than everything the new one says.
 */
export class SnapshotOrder {
  readonly #retired = new Set<string>();
  #newest: SessionSnapshot | null = null;

  /** Takes note of a snapshot and returns the newest one, which is the same unless it was overtaken. */
  newest(snapshot: SessionSnapshot): SessionSnapshot {
    const known = this.#newest;
    if (known === null) return (this.#newest = snapshot);
    if (this.#retired.has(snapshot.agentInstance)) return known;
    if (snapshot.agentInstance !== known.agentInstance) this.#retire(known.agentInstance);
    else if (snapshot.version < known.version) return known;
    return (this.#newest = snapshot);
  }

  #retire(instance: string): void {
    this.#retired.add(instance);
    const [oldest] = this.#retired;
    if (this.#retired.size > MAX_RETIRED && oldest !== undefined) this.#retired.delete(oldest);
  }
}
