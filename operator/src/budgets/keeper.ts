import { MIGRATE_ON_DRAIN_LABEL } from '@transship/crds';
import type { Clock, Log } from '../reconcile/ports.ts';
import { describeError } from '../telemetry/log.ts';
import type { BudgetCluster } from './cluster.ts';
import { type GuardedPod, planBudgets } from './plan.ts';

/** A pod that opts in is without a floor for as long as this at most, milliseconds. */
const PASS_MS = 10_000;
const JITTER = 0.2;

export interface BudgetKeeperOptions {
  readonly cluster: Pick<BudgetCluster, 'pods' | 'namespaces' | 'budgets' | 'guard' | 'remove'>;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The floor under the webhook: a pod that opted in has a disruption budget that allows no eviction, so that the API server
 * refuses (429) also while no webhook can be reached. Run by the leader.
 */
export class BudgetKeeper {
  readonly #options: BudgetKeeperOptions;

  constructor(options: BudgetKeeperOptions) {
    this.#options = options;
  }

  /** Resolves once aborted; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.pass(signal);
      } catch (error) {
        if (!signal.aborted) log.warn({ cause: describeError(error) }, 'disruption budgets were not kept');
      }
      await clock.sleep(PASS_MS * (1 + JITTER * Math.random()), signal);
    }
  }

  /**
   * Looks at everything and sets right what is not. A failure for one pod keeps no other from its budget.
   * @throws as the reads do
   */
  async pass(signal: AbortSignal): Promise<void> {
    const { cluster, log } = this.#options;
    const namespaces = await cluster.namespaces(signal);
    const pods = new Map<string, GuardedPod>();
    for (const pod of await cluster.pods(null, `${MIGRATE_ON_DRAIN_LABEL}=true`, signal))
      pods.set(pod.uid, pod);
    for (const [namespace, labels] of namespaces) {
      if (labels[MIGRATE_ON_DRAIN_LABEL] !== 'true') continue;
      for (const pod of await cluster.pods(namespace, '', signal)) pods.set(pod.uid, pod);
    }
    const seen = { pods: [...pods.values()], budgets: await cluster.budgets(signal), namespaces };
    const { guard, remove } = planBudgets(seen);
    const attempt = async (what: object, change: () => Promise<void>): Promise<void> => {
      try {
        await change();
      } catch (error) {
        if (!signal.aborted)
          log.warn({ ...what, cause: describeError(error) }, 'a disruption budget was not kept');
      }
    };
    for (const { namespace, name, uid } of remove)
      await attempt({ namespace, budget: name }, () => cluster.remove({ namespace, name, uid }, signal));
    for (const pod of guard)
      await attempt({ namespace: pod.namespace, pod: pod.name }, () => cluster.guard(pod, signal));
  }
}
