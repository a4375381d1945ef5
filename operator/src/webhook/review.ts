import { z } from 'zod';

const API_VERSION = 'admission.k8s.io/v1';
const KIND = 'AdmissionReview';

const text = z.string().min(1).max(253);
const dryRunOf = z.array(z.string()).nullish();

/**
 * What the API server asks about a pods/eviction. The object is the Eviction, which tells nothing of the pod but its name.
 * https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers
 */
const review = z.object({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal(KIND),
  request: z.object({
    uid: text,
    operation: z.literal('CREATE'),
    resource: z.object({ group: z.literal(''), version: z.literal('v1'), resource: z.literal('pods') }),
    subResource: z.literal('eviction'),
    name: z.string().max(253).default(''),
    namespace: text,
    dryRun: z.boolean().nullish(),
    object: z.object({
      metadata: z.object({ name: z.string().max(253).optional() }).nullish(),
      deleteOptions: z
        .object({
          dryRun: dryRunOf,
          preconditions: z.object({ uid: z.string().max(253).nullish() }).nullish(),
        })
        .nullish(),
    }),
  }),
});

/** One eviction that somebody asks for. */
export interface EvictionRequest {
  /** Of the question; the answer repeats it. */
  readonly uid: string;
  readonly namespace: string;
  readonly podName: string;
  /** Nothing may be changed. */
  readonly dryRun: boolean;
  /** The pod that is meant; null: whichever has the name. */
  readonly podUid: string | null;
}

/**
 * Reads the body of a call.
 * @returns null when it is no review of the creation of a pods/eviction
 */
export function readReview(body: unknown): EvictionRequest | null {
  const parsed = review.safeParse(body);
  if (!parsed.success) return null;
  const { uid, namespace, name, dryRun, object } = parsed.data.request;
  const { metadata, deleteOptions } = object;
  const podName = name === '' ? (metadata?.name ?? '') : name;
  if (podName === '') return null;
  return {
    uid,
    namespace,
    podName,
    dryRun: dryRun === true || (deleteOptions?.dryRun ?? []).length > 0,
    podUid: deleteOptions?.preconditions?.uid ?? null,
  };
}

/** The eviction goes on, to the disruption budgets. kubectl prints the warnings. */
export function allowed(uid: string, warnings: readonly string[] = []) {
  return answer({ uid, allowed: true, ...(warnings.length === 0 ? {} : { warnings }) });
}

/**
 * The eviction is to be asked for again: 429 is the one answer that makes kubectl drain, cluster-autoscaler and Karpenter
 * wait. There is no retryAfterSeconds, since client-go would then repeat the call without showing the message to anybody.
 */
export function held(uid: string, message: string) {
  const status = { status: 'Failure', code: 429, reason: 'TooManyRequests', message };
  return answer({ uid, allowed: false, status });
}

/** Body of the answer to a call. */
export type ReviewAnswer = ReturnType<typeof answer>;

function answer(response: {
  readonly uid: string;
  readonly allowed: boolean;
  readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
  readonly warnings?: readonly string[];
}) {
  return { apiVersion: API_VERSION, kind: KIND, response };
}
