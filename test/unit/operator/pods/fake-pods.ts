import type { PodPatch } from '@transship/operator/internal/pods/patches';
import type { Pod, PodManifest } from '@transship/operator/internal/pods/pod';
import type { PodPort, PodRef, PodWrite } from '@transship/operator/internal/pods/ports';
import { deleted, patched } from './pod-world.ts';
import { created } from './pods.ts';

/** The process ends at that moment: whatever it does next reaches nobody. */
export class Killed extends Error {}

/** Pods of one namespace, by name. */
export class FakePods implements PodPort {
  readonly pods = new Map<string, Pod>();
  /** Writes in the order in which they were applied. */
  readonly writes: string[] = [];
  /** The admission policy is in force. */
  guarded = true;
  /** Why no pod can be made; null: it can. */
  refusal: string | null = null;
  /** The write, by its number, whose process ends before it, or right behind it. */
  killed: { readonly at: number; readonly applied: boolean } | null = null;

  constructor(...pods: readonly Pod[]) {
    for (const pod of pods) this.pods.set(pod.metadata.name, pod);
  }

  get(_namespace: string, name: string): Promise<Pod | null> {
    return Promise.resolve(this.pods.get(name) ?? null);
  }

  async create(manifest: PodManifest): Promise<PodWrite> {
    const { name } = manifest.metadata;
    if (this.refusal !== null) return { kind: 'refused', message: this.refusal };
    if (this.pods.has(name)) return { kind: 'refused', message: 'already exists' };
    const pod = created(manifest);
    await this.#write('create', () => this.pods.set(name, pod));
    return { kind: 'written', pod };
  }

  async patch(ref: PodRef, patch: PodPatch): Promise<PodWrite> {
    const before = this.#find(ref);
    if (before === null) return { kind: 'gone' };
    const pod = patched(before, patch);
    if (pod === null) return { kind: 'refused', message: 'a test of the patch failed' };
    await this.#write(`patch ${ref.name}`, () => this.pods.set(ref.name, pod));
    return { kind: 'written', pod };
  }

  tryPatch(ref: PodRef): Promise<PodWrite> {
    const pod = this.#find(ref);
    if (pod === null) return Promise.resolve({ kind: 'gone' });
    const message = 'ValidatingAdmissionPolicy denied the request';
    return Promise.resolve(this.guarded ? { kind: 'refused', message } : { kind: 'written', pod });
  }

  async delete(ref: PodRef): Promise<void> {
    const pod = deleted(this.#find(ref));
    if (pod !== null) await this.#write(`delete ${ref.name}`, () => this.pods.set(ref.name, pod));
  }

  /** What somebody else does to a pod. */
  change(name: string, change: (pod: Pod) => Pod | null): void {
    const pod = this.pods.get(name);
    const next = pod === undefined ? null : change(pod);
    if (next === null) this.pods.delete(name);
    else this.pods.set(name, next);
  }

  #find({ name, uid }: PodRef): Pod | null {
    const pod = this.pods.get(name);
    return pod?.metadata.uid === uid ? pod : null;
  }

  #write(what: string, apply: () => unknown): Promise<void> {
    const isLast = this.killed?.at === this.writes.length;
    if (isLast && this.killed?.applied === false) return Promise.reject(new Killed());
    apply();
    this.writes.push(what);
    return isLast ? Promise.reject(new Killed()) : Promise.resolve();
  }
}
