import { z } from 'zod';

/** metav1.LabelSelector, as a PodDisruptionBudget holds it. */
export const labelSelector = z.object({
  matchLabels: z.record(z.string(), z.string()).nullish(),
  matchExpressions: z
    .array(z.object({ key: z.string(), operator: z.string(), values: z.array(z.string()).nullish() }))
    .nullish(),
});

export type LabelSelector = z.output<typeof labelSelector>;

/**
 * Whether a selector picks a pod with these labels, by the rules of policy/v1: an empty one picks every pod, none at all no
 * pod. An operator that is not known picks it too, so that nobody gets a second budget on a guess.
 */
export function selects(
  selector: LabelSelector | null | undefined,
  labels: Readonly<Record<string, string>>,
): boolean {
  if (selector === null || selector === undefined) return false;
  const { matchLabels, matchExpressions } = selector;
  if (!Object.entries(matchLabels ?? {}).every(([key, value]) => labels[key] === value)) return false;
  return (matchExpressions ?? []).every(({ key, operator, values }) => {
    const value = labels[key];
    switch (operator) {
      case 'In':
        return value !== undefined && (values ?? []).includes(value);
      case 'NotIn':
        return value === undefined || !(values ?? []).includes(value);
      case 'Exists':
        return value !== undefined;
      case 'DoesNotExist':
        return value === undefined;
      default:
        return true;
    }
  });
}
