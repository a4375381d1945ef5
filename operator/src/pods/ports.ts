import type { PodPatch } from './patches.ts';
import type { Pod, PodManifest } from './pod.ts';

/** One pod, and no other of its name. */
export interface PodRef {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** What came of a write; no answer, or one that says nothing of the pod, is a throw. */
export type PodWrite =
  | { readonly kind: 'written'; readonly pod: Pod }
  /** There is none of this name and UID. */
  | { readonly kind: 'gone' }
  /** A test of the patch failed, a rule or a policy refused it, or the name is taken. */
  | { readonly kind: 'refused'; readonly message: string };

/** Pods of the cluster. Reads go to the authority, never to a cache. */
export interface PodPort {
  get(namespace: string, name: string, signal: AbortSignal): Promise<Pod | null>;
  create(manifest: PodManifest, signal: AbortSignal): Promise<PodWrite>;
  patch(ref: PodRef, patch: PodPatch, signal: AbortSignal): Promise<PodWrite>;
  /** What `patch` would come to; nothing is written. */
  tryPatch(ref: PodRef, patch: PodPatch, signal: AbortSignal): Promise<PodWrite>;
  /** Asks for a graceful end. Resolves also when there is none of this UID any more. */
  delete(ref: PodRef, signal: AbortSignal): Promise<void>;
}
