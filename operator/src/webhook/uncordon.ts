import { isTerminal } from '@transship/crds';
import type { Clock, Log } from '../reconcile/ports.ts';
import { describeError } from '../telemetry/log.ts';
import type { Evacuation, EvacuationCluster } from './evacuations.ts';

const PASS_MS = 5_000;
const JITTER = 0.2;

/** What an uncordoned node means for one migration. */
export type UncordonStep =
  /** Note that its node was seen unschedulable. */
  | 'note'
  /** The node takes pods again and nothing is decided: the drain was called off. */
  | 'cancel'
  | null;

/** `cordoned`: null when the node is gone or cannot be read. */
export function uncordonStep(evacuation: Evacuation, cordoned: boolean | null): UncordonStep {
  const { phase, decision } = evacuation.status;
  if (isTerminal(phase) || evacuation.cancelled || cordoned === null) return null;
  if (cordoned) return evacuation.nodeWasCordoned ? null : 'note';
  // An eviction of a node that takes pods all the time, such as the descheduler's, is no drain and not called off.
  return evacuation.nodeWasCordoned && decision.value === 'Undecided' ? 'cancel' : null;
}

export interface UncordonOptions {
  readonly cluster: Pick<EvacuationCluster, 'evacuations' | 'cordons' | 'note' | 'cancel'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Cancels what an eviction began once its node is uncordoned, as long as nothing is decided. Run by the leader. */
export class UncordonWatch {
  readonly #options: UncordonOptions;

  constructor(options: UncordonOptions) {
    this.#options = options;
  }

  /** Resolves once aborted; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.pass(signal);
      } catch (error) {
        if (!signal.aborted)
          log.warn({ cause: describeError(error) }, 'uncordoned nodes were not looked for');
      }
      await clock.sleep(PASS_MS * (1 + JITTER * Math.random()), signal);
    }
  }

  /** One look at every migration that an eviction asked for. @throws as the reads do */
  async pass(signal: AbortSignal): Promise<void> {
    const { cluster, log } = this.#options;
    const evacuations = await cluster.evacuations(signal);
    const open = evacuations.filter(({ status }) => !isTerminal(status.phase));
    if (open.length === 0) return;
    const cordons = await cluster.cordons(signal);
    for (const evacuation of open) {
      const step = uncordonStep(evacuation, cordons.get(evacuation.nodeName) ?? null);
      if (step === null) continue;
      const { namespace, name, nodeName } = evacuation;
      try {
        await cluster[step](evacuation, signal);
        if (step === 'cancel')
          log.info({ namespace, name, node: nodeName }, 'cancelled, since its node was uncordoned');
      } catch (error) {
        const cause = describeError(error);
        if (!signal.aborted) log.warn({ namespace, name, node: nodeName, cause }, `${step} failed`);
      }
    }
  }
}
