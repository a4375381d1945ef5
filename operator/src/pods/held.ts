import { GROUP, HELD_ANNOTATION, POD_DELETION_COST_ANNOTATION } from '@transship/crds';
import { z } from 'zod';
import type { Pod } from './pod.ts';

const held = z.object({
  labels: z.record(z.string(), z.string()),
  ownerReferences: z.array(
    z.looseObject({
      apiVersion: z.string(),
      kind: z.string(),
      name: z.string(),
      uid: z.string(),
      controller: z.boolean().optional(),
    }),
  ),
  deletionCost: z.string().optional(),
});

/**
 * What of the source pod the target pod goes without until it runs: labels, by which Services, budgets and owners find
 * pods; owners; and what the user said of its deletion.
 */
export type Held = z.output<typeof held>;

export function heldOf({ metadata }: Pod): Held {
  const { labels = {}, ownerReferences = [], annotations = {} } = metadata;
  const theirs = Object.entries(labels).filter(([name]) => !isOurs(name));
  const deletionCost = annotations[POD_DELETION_COST_ANNOTATION];
  return {
    labels: Object.fromEntries(theirs),
    ownerReferences,
    ...(deletionCost === undefined ? {} : { deletionCost }),
  };
}

/** Reads back what a target pod was made with; null: it is none, or somebody has damaged that. */
export function readHeld({ metadata }: Pod): Held | null {
  const text = metadata.annotations?.[HELD_ANNOTATION];
  if (text === undefined) return null;
  try {
    const parsed = held.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** Labels and annotations that only Transship reads. */
export const isOurs = (name: string): boolean => name.startsWith(`${GROUP}/`);
