import { every } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { bindsDevices } from '../core/phase.ts';
import type { SessionRegistry } from './registry.ts';

/** How often silence is looked for, as a part of the silence that is tolerated. */
const ROUNDS_PER_TIMEOUT = 4;

/**
 * Tells a session when no operator has sent it a command or observed it for `timeoutMs`. What it makes of that is
 * the transition's business: before anything was promised it turns round alone. Runs until aborted.
 */
export async function watchOperator(
  registry: SessionRegistry,
  clock: Clock,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  await every(clock, timeoutMs / ROUNDS_PER_TIMEOUT, signal, () => {
    for (const runner of registry.runners) {
      const isHeld = runner.session !== null && bindsDevices(runner.session.phase);
      if (isHeld && runner.silence > timeoutMs) runner.post({ kind: 'operatorLost' });
    }
  });
}
