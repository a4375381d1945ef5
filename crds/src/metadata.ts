import { z } from 'zod';

/**
 * The part of metav1.ObjectMeta that Transship reads; other fields are kept as they are. From a folder, `uid` and
 * `generation` are absent and the standalone store supplies them.
 */
export const objectMeta = z.looseObject({
  name: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/),
  namespace: z
    .string()
    .min(1)
    .max(63)
    .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)
    .optional(),
  uid: z.string().max(128).optional(),
  generation: z.int().min(0).optional(),
  resourceVersion: z.string().max(128).optional(),
  creationTimestamp: z.string().nullish(),
  deletionTimestamp: z.string().nullish(),
  finalizers: z.array(z.string().max(316)).max(256).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

export type ObjectMeta = z.output<typeof objectMeta>;
