import { INCOMING_LABEL, MIGRATION_UID_LABEL } from '@transship/crds';
import type { Clock, Log } from '../reconcile/ports.ts';
import { describeError } from '../telemetry/log.ts';
import type { EvictionCluster } from './cluster.ts';
import { asksNamespace, policyOf } from './opt-in.ts';
import { allowed, type EvictionRequest, held, readReview, type ReviewAnswer } from './review.ts';
import { judge, type Pod, screen, type Verdict } from './verdict.ts';
import { underWay, unknown } from './words.ts';

/** Takes away the disruption budget that was made for a pod. */
export interface Guard {
  lift(pod: Pod, signal: AbortSignal): Promise<void>;
}

/** What was done about an eviction; `unknown`: it was held, since its pod could not be read. */
export type Answer = Verdict['kind'] | 'unknown';

export interface AdmissionOptions {
  readonly cluster: Pick<
    EvictionCluster,
    'pod' | 'namespaceLabels' | 'attempts' | 'migration' | 'isCordoned' | 'evacuate'
  >;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Log;
  /** Counts the answers. */
  readonly answered: (answer: Answer) => void;
}

/** Answers one question after the other; keeps nothing between them. */
export class Admission {
  readonly #options: AdmissionOptions;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /**
   * Never rejects: whatever cannot be found out before the signal is aborted holds the eviction.
   * @returns null when the body is no review of a pods/eviction
   */
  async answer(body: unknown, signal: AbortSignal): Promise<ReviewAnswer | null> {
    const request = readReview(body);
    if (request === null) return null;
    const { log, answered } = this.#options;
    const { uid, namespace, podName } = request;
    try {
      const verdict = await this.#verdict(request, signal);
      const answer = await this.#carryOut(uid, verdict, signal);
      answered(verdict.kind);
      return answer;
    } catch (error) {
      const cause = describeError(error);
      answered('unknown');
      log.warn({ namespace, pod: podName, cause }, 'eviction held: its pod cannot be judged');
      return held(uid, unknown(namespace, podName, cause.message));
    }
  }

  async #verdict(request: EvictionRequest, signal: AbortSignal): Promise<Verdict> {
    const { cluster, clock } = this.#options;
    const { namespace, podName } = request;
    const pod = await cluster.pod(namespace, podName, signal);
    const own = pod?.labels ?? {};
    const inherited =
      pod !== null && asksNamespace(own) ? await cluster.namespaceLabels(namespace, signal) : {};
    const policy = policyOf(own, inherited);
    const screened = screen(request, pod, policy);
    if (screened !== null || pod === null) return screened ?? { kind: 'allow', unguard: null };
    const [attempts, incoming] = await Promise.all([
      cluster.attempts(namespace, pod.uid, signal),
      this.#incoming(pod, signal),
    ]);
    return judge({ request, pod, policy, attempts, incoming, now: clock.wallNow() });
  }

  async #incoming({ namespace, labels }: Pod, signal: AbortSignal) {
    const uid = labels[MIGRATION_UID_LABEL];
    if (labels[INCOMING_LABEL] !== 'true' || uid === undefined) return null;
    return this.#options.cluster.migration(namespace, uid, signal);
  }

  async #carryOut(uid: string, verdict: Verdict, signal: AbortSignal): Promise<ReviewAnswer> {
    const { cluster, guard, log } = this.#options;
    switch (verdict.kind) {
      case 'hold':
        return held(uid, verdict.message);
      case 'allow': {
        if (verdict.unguard !== null) await guard.lift(verdict.unguard, signal);
        return allowed(uid, verdict.warning === undefined ? [] : [verdict.warning]);
      }
      case 'evacuate': {
        const { name, pod } = verdict;
        const cordoned = await cluster.isCordoned(pod.nodeName ?? '', signal);
        const attempt = await cluster.evacuate(name, pod, cordoned, signal);
        log.info(
          { namespace: pod.namespace, pod: pod.name, migration: name },
          'an eviction asks for a migration',
        );
        return held(uid, underWay(attempt));
      }
    }
  }
}
