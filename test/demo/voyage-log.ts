import type { AgentClient, Role, SessionSnapshot } from '@transship/node-agent/contract';
import { setTimeout as delay } from 'node:timers/promises';

/** Where one device of the set is. */
export interface DevicePosition {
  readonly source: string;
  readonly target: string;
  readonly sourceState: string;
  readonly targetState: string;
  /** Written into the target device. */
  readonly bytes: number;
  /** That and what the source device says is left. */
  readonly totalBytes: number;
}

const RECONNECT_MS = 100;

/** Watches both agents' sessions of one migration, as an operator does, and notes when what happened. */
export class VoyageLog {
  readonly #newest = new Map<Role, SessionSnapshot>();
  readonly #sourceIds: readonly string[];
  readonly #targetIds: readonly string[];
  readonly #loading = Promise.withResolvers<void>();
  #beganAt: number | null = null;
  #verifiedAt: number | null = null;

  constructor(sourceIds: readonly string[], targetIds: readonly string[]) {
    this.#sourceIds = sourceIds;
    this.#targetIds = targetIds;
  }

  /** Follows one side until aborted; resolves then. A connection that breaks is made anew. */
  async watch(client: AgentClient, uid: string, role: Role, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const snapshot of client.observe(uid, role, signal)) this.#see(role, snapshot);
        await delay(RECONNECT_MS, undefined, { signal });
      } catch {
        if (!signal.aborted) await delay(RECONNECT_MS);
      }
    }
  }

  /** Settles when the target devices have stopped and take the stream in; never, when that does not come. */
  get loading(): Promise<void> {
    return this.#loading.promise;
  }

  /** From the first saving session to the moment when the target had verified every stream, milliseconds. */
  get transferMs(): number | null {
    return this.#beganAt === null || this.#verifiedAt === null ? null : this.#verifiedAt - this.#beganAt;
  }

  positions(): DevicePosition[] {
    const source = this.#newest.get('source');
    const target = this.#newest.get('target');
    const stream = (side: SessionSnapshot | undefined, index: number) =>
      side?.streams.find(({ totals }) => totals.kind === 'device' && totals.deviceIndex === index);
    return this.#sourceIds.map((id, index) => {
      const bytes = stream(target, index)?.totals.bytes ?? 0;
      return {
        source: id,
        target: this.#targetIds[index] ?? '',
        sourceState: source?.devices[index]?.state ?? 'Running',
        targetState: target?.devices[index]?.state ?? 'Running',
        bytes,
        totalBytes: bytes + (stream(source, index)?.pendingBytes ?? 0),
      };
    });
  }

  #see(role: Role, snapshot: SessionSnapshot): void {
    const now = performance.now();
    this.#newest.set(role, snapshot);
    if (role === 'source' && snapshot.phase === 'PreCopying') this.#beganAt ??= now;
    if (role === 'source' && snapshot.phase === 'Stopping') this.#beganAt ??= now;
    if (role === 'target' && snapshot.phase === 'Loading') this.#loading.resolve();
    if (role === 'target' && snapshot.phase === 'Verified') this.#verifiedAt ??= now;
  }
}
