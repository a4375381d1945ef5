import type { KnownState } from '../core/device-state.ts';

/**
 * Devices that were found in a state that no journal explains. They are refused to every migration and never
 * reset: whatever they hold may be the only copy of somebody's state.
 */
export class Quarantine {
  readonly #assessed = new Set<string>();
  readonly #reasons = new Map<string, string>();

  assessed(deviceId: string): boolean {
    return this.#assessed.has(deviceId);
  }

  /** The first state that a device shows since the start decides; one that does not answer is decided later. */
  assess(deviceId: string, state: KnownState, owner: string | null): string | null {
    if (state === 'Unknown' || this.assessed(deviceId)) return null;
    this.#assessed.add(deviceId);
    if (state === 'Running' || owner !== null) return null;
    const reason = `it was ${state} when the agent started, and no journal says why`;
    this.#reasons.set(deviceId, reason);
    return reason;
  }

  reason(deviceId: string): string | null {
    return this.#reasons.get(deviceId) ?? null;
  }
}
