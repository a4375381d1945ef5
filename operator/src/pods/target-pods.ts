import { type DeviceMigrationSpec, MIGRATION_UID_LABEL, PODS_FINALIZER } from '@transship/crds';
import type { Failure, Role } from '@transship/node-agent/contract';
import { failure } from '../core/index.ts';
import type { AgentPool, Clock, EventSink, Log, MigrationStore } from '../reconcile/ports.ts';
import type { PodsPort, PodsTurn, StoredMigration, WriteOutcome } from '../reconcile/ports.ts';
import { type Told, withTold } from '../reconcile/told.ts';
import { isGuarded, letGoOf, type PodPair, readPod, refOf, stepHandOver } from './carry-out.ts';
import { controllerOf, isTerminating, type Pod } from './pod.ts';
import type { PodPort } from './ports.ts';
import { progressOf } from './progress.ts';
import { refusedSource } from './source.ts';
import { targetPod, targetPodName } from './target-pod.ts';

export interface TargetPodsParts {
  readonly pods: PodPort;
  readonly store: MigrationStore;
  readonly agents: AgentPool;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly log: Log;
}

/** More than the longest hand-over, with a few steps that somebody else was faster with. */
const MAX_STEPS = 16;

type Refused = { readonly kind: 'refused'; readonly failure: Failure };

const refused = (why: Failure): Refused => ({ kind: 'refused', failure: why });

const told = (status: Told['status'], reason: Told['reason'], message: string): Told => ({
  type: 'TargetPod',
  status,
  reason,
  message,
});

/** See PodsPort. Remembers nothing: what is next follows from the record and from the pods. */
export class TargetPods implements PodsPort {
  readonly #parts: TargetPodsParts;

  constructor(parts: TargetPodsParts) {
    this.#parts = parts;
  }

  async prepare(stored: StoredMigration, signal: AbortSignal): Promise<PodsTurn | Refused> {
    const { pods, store, events } = this.#parts;
    const { key, uid } = stored;
    if (!stored.spec.ok) return { kind: 'go' };
    const spec = stored.spec.value;
    const source = await pods.get(key.namespace, spec.source.podName ?? '', signal);
    const problem = refusedSource(source, spec);
    if (problem !== null || source === null) return refused(problem ?? failure('PodNotFound', 'no pod'));
    if (stored.podsFinalizerPresent !== true)
      return again(await store.addFinalizer(stored, signal, PODS_FINALIZER));
    const made = await this.#ensure(stored, spec, source, signal);
    if (made.kind !== 'made') return made;
    const target = made.pod;
    const progress = await this.#progress(target, signal);
    if (progress.kind === 'refused') return progress;
    if (progress.kind === 'wait') {
      const { reason, on } = progress;
      return { kind: 'wait', on, told: told('False', reason, `Waiting for ${on}.`) };
    }
    const { nodeName } = progress;
    const open = await this.#unguarded(stored, source, target, signal);
    if (open !== null) return refused(open);
    const reserved = told(
      'False',
      'Reserved',
      `Pod ${target.metadata.name} on ${nodeName} holds the devices.`,
    );
    const outcome = await store.patchStatus(
      stored,
      {
        sourcePod: { name: source.metadata.name, uid: source.metadata.uid },
        targetPod: { name: target.metadata.name, uid: target.metadata.uid, nodeName },
      },
      signal,
    );
    this.#parts.log.info(
      { uid, pod: target.metadata.name, nodeName, outcome: outcome.kind },
      'target reserved',
    );
    if (outcome.kind === 'written')
      events.publish(outcome.stored, { type: 'Normal', reason: reserved.reason, message: reserved.message });
    return { ...again(outcome), told: reserved };
  }

  async lost(
    { key, status }: StoredMigration,
    signal: AbortSignal,
  ): Promise<(Failure & { of: Role }) | null> {
    for (const [role, pod] of [
      ['source', status.sourcePod],
      ['target', status.targetPod],
    ] as const) {
      if (pod === undefined) continue;
      const now = await readPod(this.#parts.pods, { ...key, ...pod }, signal);
      const phase = now?.status?.phase;
      const hasEnded = phase === 'Succeeded' || phase === 'Failed';
      if (now !== null && !isTerminating(now) && !hasEnded) continue;
      const what = now === null ? 'is gone' : hasEnded ? `has ended (${phase})` : 'is being deleted';
      return { ...failure('TargetPodLost', `${role} pod ${pod.name} ${what}`), of: role };
    }
    return null;
  }

  async handOver(stored: StoredMigration, signal: AbortSignal): Promise<PodsTurn> {
    const pair = pairOf(stored);
    if (pair === null) return { kind: 'go' };
    for (let count = 0; count < MAX_STEPS; count += 1) {
      const { step, refusal } = await stepHandOver(this.#parts.pods, pair, signal);
      if (step.kind === 'done') {
        const message = `Pod ${pair.target.name} stands where ${pair.source.name} stood.`;
        return { kind: 'go', told: told('False', 'HandingOver', message) };
      }
      this.#parts.log.info({ uid: stored.uid, step: step.kind, refusal }, 'handing a pod over');
      if (refusal === null) continue;
      const on = `pod ${pair.target.name} to take the place of ${pair.source.name} (${step.kind}: ${refusal})`;
      return { kind: 'wait', on, told: told('False', 'HandingOver', `Waiting for ${on}.`) };
    }
    return { kind: 'wait', on: 'somebody to leave the pods of the set alone' };
  }

  async settle(stored: StoredMigration, signal: AbortSignal): Promise<PodsTurn> {
    const { status, deletionRequested } = stored;
    if (stored.podsFinalizerPresent !== true) return { kind: 'go' };
    if (status.decision.value !== 'Commit') return this.#deleteTarget(stored, signal);
    if (status.phase === 'Succeeded') return this.#finishHandOver(stored, signal);
    // Which of the two is lost is for a person to say: both stay, and nothing is in the way of a deletion.
    return deletionRequested ? this.#end(stored, null, signal) : { kind: 'go' };
  }

  async #finishHandOver(stored: StoredMigration, signal: AbortSignal): Promise<PodsTurn> {
    const turn = await this.handOver(stored, signal);
    const pair = pairOf(stored);
    if (turn.kind !== 'go' || pair === null) return turn;
    if (!(await letGoOf(this.#parts.pods, pair.target, signal)))
      return { kind: 'wait', on: 'the target pod to be let go' };
    const message = `Pod ${pair.target.name} stands where ${pair.source.name} stood.`;
    return this.#end(stored, told('True', 'HandedOver', message), signal);
  }

  async #deleteTarget(stored: StoredMigration, signal: AbortSignal): Promise<PodsTurn> {
    const { pods } = this.#parts;
    if (!stored.spec.ok) return { kind: 'go' };
    const { namespace } = stored.key;
    const name = stored.status.targetPod?.name ?? nameOf(stored, stored.spec.value);
    const now = await pods.get(namespace, name, signal);
    const isOurs = now?.metadata.labels?.[MIGRATION_UID_LABEL] === stored.uid;
    if (now !== null && isOurs && !isTerminating(now)) await pods.delete(refOf(now), signal);
    return this.#end(stored, told('False', 'Deleted', `Target pod ${name} is deleted.`), signal);
  }

  /** The condition first: without the finalizer nobody may look at the object any more. */
  async #end(stored: StoredMigration, last: Told | null, signal: AbortSignal): Promise<PodsTurn> {
    const { store, clock, events } = this.#parts;
    const at = { generation: stored.generation, now: clock.wallNow().toISOString() };
    const before = stored.status.conditions;
    const known = before.find(({ type }) => type === 'TargetPod');
    let now = stored;
    if (last !== null && known?.reason !== last.reason) {
      const conditions = withTold(before, [last], stored.status, at);
      const outcome = await store.patchStatus(stored, { conditions }, signal);
      if (outcome.kind !== 'written') return again(outcome);
      now = outcome.stored;
      events.publish(now, { type: 'Normal', reason: last.reason, message: last.message });
    }
    return again(await store.removeFinalizer(now, signal, PODS_FINALIZER));
  }

  /** The target pod, made if it is missing. */
  async #ensure(
    stored: StoredMigration,
    spec: DeviceMigrationSpec,
    source: Pod,
    signal: AbortSignal,
  ): Promise<{ readonly kind: 'made'; readonly pod: Pod } | Refused | PodsTurn> {
    const { pods, log } = this.#parts;
    const { key, uid } = stored;
    const name = nameOf(stored, spec);
    const known = await pods.get(key.namespace, name, signal);
    if (known !== null) {
      if (known.metadata.labels?.[MIGRATION_UID_LABEL] === uid) return { kind: 'made', pod: known };
      return refused(failure('TargetUnschedulable', `another pod has the name ${name} of the target pod`));
    }
    const { nodeName, nodeSelector } = spec.target;
    const wish = { uid, sourceNode: spec.source.nodeName, nodeName, nodeSelector };
    const made = await pods.create(targetPod(source, wish), signal);
    if (made.kind !== 'written') {
      // Somebody else may have made it just now.
      if ((await pods.get(key.namespace, name, signal)) !== null) return { kind: 'again' };
      const why = made.kind === 'refused' ? made.message : 'it was gone at once';
      return refused(failure('TargetUnschedulable', `target pod ${name} cannot be made: ${why}`));
    }
    log.info({ uid, pod: name }, 'target pod made');
    // Asked at once as well, so that nobody waits for a node in vain.
    const open = await this.#unguarded(stored, source, made.pod, signal);
    return open === null ? { kind: 'made', pod: made.pod } : refused(open);
  }

  /** Why the owner of the source pod would not stand still; null: it will, or there is none. */
  async #unguarded(
    { key, uid }: StoredMigration,
    source: Pod,
    target: Pod,
    signal: AbortSignal,
  ): Promise<Failure | null> {
    if (controllerOf(source) === undefined) return null;
    if (await isGuarded(this.#parts.pods, target, { name: key.name, uid }, signal)) return null;
    const message = `nothing keeps the owner of pod ${source.metadata.name} from making or deleting pods while it is handed over: the ValidatingAdmissionPolicy for target pods is not in force`;
    return failure('UnsupportedOwner', message);
  }

  async #progress(target: Pod, signal: AbortSignal): Promise<ReturnType<typeof progressOf>> {
    const { agents, clock } = this.#parts;
    const { nodeName } = target.spec;
    const now = clock.wallNow();
    if (nodeName === undefined) return progressOf(target, null, '', now);
    const agent = agents.agent(nodeName);
    if (agent === null) return progressOf(target, null, `no agent of ${nodeName} is known`, now);
    const answer = await agent.describe([], signal);
    return answer.kind === 'devices'
      ? progressOf(target, answer, '', now)
      : progressOf(target, null, answer.failure.message, now);
  }
}

const nameOf = ({ uid }: StoredMigration, { source }: DeviceMigrationSpec): string =>
  targetPodName(source.podName ?? '', uid);

/** A write whose fate is not known is read back, but not at once: its answer may have been lost for a reason. */
function again(outcome: WriteOutcome): PodsTurn {
  if (outcome.kind === 'ambiguous') return { kind: 'wait', on: 'the API server' };
  return { kind: 'again', stored: outcome.kind === 'written' ? outcome.stored : null };
}

function pairOf({ key: { namespace, name }, uid, status }: StoredMigration): PodPair | null {
  const { sourcePod, targetPod: target } = status;
  if (sourcePod === undefined || target === undefined) return null;
  return {
    source: { namespace, name: sourcePod.name, uid: sourcePod.uid },
    target: { namespace, name: target.name, uid: target.uid },
    migration: { name, uid },
  };
}
