import { handOverStep, isIncoming, type HandOverStep } from './hand-over.ts';
import {
  adoptionByAnother,
  adoptTarget,
  costSource,
  freeSource,
  labelTarget,
  letGo,
  type MigrationReference,
} from './patches.ts';
import type { Pod } from './pod.ts';
import type { PodPort, PodRef, PodWrite } from './ports.ts';

/** Both pods of one migration. */
export interface PodPair {
  readonly source: PodRef;
  readonly target: PodRef;
  readonly migration: MigrationReference;
}

/** Says so where an API server denies something by a policy. */
const BY_POLICY = 'ValidatingAdmissionPolicy';

export const refOf = ({ metadata: { namespace, name, uid } }: Pod): PodRef => ({ namespace, name, uid });

/** The pod as it is now; null: it is gone, or another one has its name. */
export async function readPod(
  pods: PodPort,
  { namespace, name, uid }: PodRef,
  signal: AbortSignal,
): Promise<Pod | null> {
  const found = await pods.get(namespace, name, signal);
  return found?.metadata.uid === uid ? found : null;
}

/** Takes one step; `refusal`: why it was not taken, so that it comes again. */
export async function stepHandOver(
  pods: PodPort,
  pair: PodPair,
  signal: AbortSignal,
): Promise<{ readonly step: HandOverStep; readonly refusal: string | null }> {
  const source = await readPod(pods, pair.source, signal);
  const target = await readPod(pods, pair.target, signal);
  const step = handOverStep(source, target, pair.migration.uid);
  const write = await carryOut(pods, step, { source, target }, pair, signal);
  return { step, refusal: write?.kind === 'refused' ? write.message : null };
}

function carryOut(
  pods: PodPort,
  { kind }: HandOverStep,
  { source, target }: { readonly source: Pod | null; readonly target: Pod | null },
  pair: PodPair,
  signal: AbortSignal,
): Promise<PodWrite | undefined> {
  const patch = (of: Pod | null, make: (of: Pod) => Parameters<PodPort['patch']>[1]) =>
    of === null ? Promise.resolve(undefined) : pods.patch(refOf(of), make(of), signal);
  switch (kind) {
    case 'costSource':
      return patch(source, costSource);
    case 'labelTarget':
      return patch(target, labelTarget);
    case 'freeSource':
      return patch(source, (of) => freeSource(of, pair.migration));
    case 'adoptTarget':
      return patch(target, adoptTarget);
    case 'deleteSource':
      return pods.delete(pair.source, signal).then(() => undefined);
    case 'done':
      return Promise.resolve(undefined);
  }
}

/** Takes the last signs of coming in away from a pod that was handed over. False: not yet. */
export async function letGoOf(pods: PodPort, target: PodRef, signal: AbortSignal): Promise<boolean> {
  const now = await readPod(pods, target, signal);
  if (now === null || !isIncoming(now)) return true;
  return (await pods.patch(target, letGo(now), signal)).kind !== 'refused';
}

/**
 * Whether the admission policy is in force that keeps controllers from adopting a pod that comes in: asked by trying what
 * one of them would write, without writing it.
 */
export async function isGuarded(
  pods: PodPort,
  target: Pod,
  migration: MigrationReference,
  signal: AbortSignal,
): Promise<boolean> {
  const answer = await pods.tryPatch(refOf(target), adoptionByAnother(target, migration), signal);
  return answer.kind === 'refused' && answer.message.includes(BY_POLICY);
}
