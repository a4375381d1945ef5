import { isDeepStrictEqual } from 'node:util';
import type { DeviceMigrationStatus } from '@transship/crds';
import type { StatusPatch } from './ports.ts';

/** Fields that move all the time while data flows; a change in these alone can wait. */
const PROGRESS_FIELDS: ReadonlySet<string> = new Set(['transfer', 'progress', 'devices']);
const OWNED = [
  'observedGeneration',
  'phase',
  'generation',
  'startedAt',
  'completedAt',
  'conditions',
  'devices',
  'transfer',
  'downtime',
  'downtimeEstimated',
  'progress',
  'error',
] as const satisfies readonly (keyof StatusPatch)[];

/** What of a status is to be written, and whether it matters to anybody but a progress bar. */
export function changed(
  before: DeviceMigrationStatus,
  after: Partial<DeviceMigrationStatus>,
): { readonly kind: 'none' } | { readonly kind: 'progress' | 'matters'; readonly patch: StatusPatch } {
  const patch: Record<string, unknown> = {};
  for (const field of OWNED) {
    if (!isDeepStrictEqual(before[field], after[field])) patch[field] = after[field] ?? null;
  }
  const fields = Object.keys(patch);
  if (fields.length === 0) return { kind: 'none' };
  const kind = fields.every((field) => PROGRESS_FIELDS.has(field)) ? 'progress' : 'matters';
  return { kind, patch: patch as StatusPatch };
}
