import { z } from 'zod';
import { condition, counter, timestamp } from './conditions.ts';
import { deviceId, deviceState, MAX_DEVICES, objectName, protocol, uid } from './device.ts';
import { API_VERSION, DEVICE_MIGRATION_KIND } from './group.ts';
import { objectMeta } from './metadata.ts';
import { PHASES } from './phase.ts';
import { BYTES_EXPECTED, BYTES_PATTERN, DURATION_EXPECTED, DURATION_PATTERN } from './quantity.ts';
import { checkRecovery, checkSource, checkSpec, checkStrategy, checkTarget } from './spec-rules.ts';

const duration = z
  .string()
  .min(2, DURATION_EXPECTED)
  .max(28, DURATION_EXPECTED)
  .regex(DURATION_PATTERN, DURATION_EXPECTED);
const bytesPerSecond = z
  .string()
  .min(1, BYTES_EXPECTED)
  .max(17, BYTES_EXPECTED)
  .regex(BYTES_PATTERN, BYTES_EXPECTED);
/** Bounds what the rules over a spec cost. */
const MAX_NODE_LABELS = 16;
const deviceSet = z.array(deviceId).min(1, 'must name at least one device').max(MAX_DEVICES);

const source = z
  .strictObject({
    nodeName: objectName,
    devices: deviceSet.optional(),
    podName: objectName.optional(),
    podUID: uid.optional(),
  })
  .superRefine(checkSource);

/** Labels of a node. The API server checks values here and keys where they are used, in the target pod. */
const nodeSelector = z
  .record(
    z
      .string()
      .max(317)
      .regex(/^([a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9._]{0,61}[A-Za-z0-9])?$/),
    z
      .string()
      .max(63)
      .regex(/^([A-Za-z0-9]([-A-Za-z0-9._]{0,61}[A-Za-z0-9])?)?$/),
  )
  .refine((labels) => Object.keys(labels).length <= MAX_NODE_LABELS, {
    error: `must have at most ${MAX_NODE_LABELS} items`,
  });

const target = z
  .strictObject({
    nodeName: objectName.optional(),
    devices: deviceSet.optional(),
    nodeSelector: nodeSelector.optional(),
  })
  .superRefine(checkTarget);

const strategy = z
  .strictObject({
    mode: z.enum(['PreCopy', 'StopCopy']).default('PreCopy'),
    onDeadline: z.enum(['Abort', 'Wait']).default('Abort'),
    downtimeLimit: duration.default('500ms'),
    quiesceTimeout: duration.default('2s'),
    preCopyTimeout: duration.default('60s'),
    bandwidthLimit: bytesPerSecond.optional(),
  })
  .superRefine(checkStrategy);

/** Bounds how long a set may wait for a node that takes it, and how many of them have to be freed in the end. */
const MAX_FALLBACK_NODES = 8;

const recovery = z
  .strictObject({
    retries: z.int().min(0).max(10).default(2),
    onDeviceError: z.enum(['Reset']).default('Reset'),
    fallbackNodeNames: z.array(objectName).max(MAX_FALLBACK_NODES).optional(),
  })
  .superRefine(checkRecovery);

export const deviceMigrationSpec = z
  .strictObject({
    source,
    target: target.prefault({}),
    strategy: strategy.prefault({}),
    recovery: recovery.prefault({}),
  })
  .superRefine(checkSpec);

const by = z.string().max(253);

const stopping = z.object({ at: timestamp, by });

const decision = z.object({
  value: z.enum(['Undecided', 'Commit', 'Abort', 'Revert']),
  at: timestamp.optional(),
  by: by.optional(),
  reason: z.string().max(1024).optional(),
});

/** A person's word that the node of the source is gone for good, and how that is known. */
const sourceDead = z.object({ at: timestamp, by, proof: z.string().min(1).max(1024) });

const errorCode = z
  .string()
  .max(64)
  .regex(/^[A-Z][A-Za-z0-9]{0,63}$/);

/** The node that the set goes to, once it is another than `spec.target` names. */
const recordedTarget = z.object({
  nodeName: objectName,
  generation: counter,
  abandoned: z
    .array(z.object({ nodeName: objectName, code: errorCode, message: z.string().max(1024) }))
    .min(1)
    .max(MAX_FALLBACK_NODES),
});

/** The pod that `spec.source.podName` was found to be. */
const sourcePod = z.object({ name: objectName, uid });

/** The pod that holds the target devices. */
const targetPod = z.object({ name: objectName, uid, nodeName: objectName });

const migratingDevice = z.object({
  source: deviceId,
  target: deviceId,
  protocol,
  state: deviceState,
  targetState: deviceState,
  bytes: counter,
  totalBytes: counter.optional(),
  segments: counter,
  generation: counter,
});

const transfer = z.object({
  bytes: counter,
  totalBytes: counter.optional(),
  bytesPerSecond: counter,
  eta: duration.optional(),
});

const firstError = z.object({
  code: errorCode,
  message: z.string().max(4096),
});

/** What the API server shows before any operator has written; the time says that no transition was seen. */
const INITIAL_CONDITIONS = [
  {
    type: 'Ready',
    status: 'Unknown' as const,
    reason: 'Pending',
    message: 'Waiting for the operator',
    lastTransitionTime: '1970-01-01T00:00:00Z',
  },
];

export const deviceMigrationStatus = z.object({
  observedGeneration: counter.optional(),
  phase: z.enum(PHASES).default('Pending'),
  fence: counter.default(0),
  operator: by.optional(),
  stopping: stopping.optional(),
  decision: decision.default({ value: 'Undecided' }),
  sourceDead: sourceDead.optional(),
  target: recordedTarget.optional(),
  sourcePod: sourcePod.optional(),
  targetPod: targetPod.optional(),
  generation: counter.default(0),
  startedAt: timestamp.optional(),
  completedAt: timestamp.optional(),
  conditions: z.array(condition).max(16).default(INITIAL_CONDITIONS),
  devices: z.array(migratingDevice).max(MAX_DEVICES).optional(),
  transfer: transfer.optional(),
  downtime: duration.optional(),
  downtimeEstimated: z.boolean().optional(),
  progress: z
    .string()
    .max(4)
    .regex(/^(100|[0-9]{1,2})%$/)
    .optional(),
  error: firstError.optional(),
});

export const deviceMigration = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal(DEVICE_MIGRATION_KIND),
  metadata: objectMeta,
  spec: deviceMigrationSpec,
  status: deviceMigrationStatus.prefault({}),
});

export type DeviceMigrationSpec = z.output<typeof deviceMigrationSpec>;
export type DeviceMigrationStatus = z.output<typeof deviceMigrationStatus>;
/** As read: every default filled in. */
export type DeviceMigration = z.output<typeof deviceMigration>;
/** As written by a person: what has a default may be left out. */
export type DeviceMigrationManifest = z.input<typeof deviceMigration>;

export type Strategy = DeviceMigrationSpec['strategy'];
export type Recovery = DeviceMigrationSpec['recovery'];
export type Decision = DeviceMigrationStatus['decision'];
export type DecisionValue = Decision['value'];
/** Present once the target that `spec.target` names was left for another. */
export type RecordedTarget = NonNullable<DeviceMigrationStatus['target']>;
export type SourcePod = NonNullable<DeviceMigrationStatus['sourcePod']>;
/** Recorded once; its node is the target from then on. */
export type TargetPod = NonNullable<DeviceMigrationStatus['targetPod']>;
export type Stopping = NonNullable<DeviceMigrationStatus['stopping']>;
/** One source device and its pair. */
export type MigratingDevice = NonNullable<DeviceMigrationStatus['devices']>[number];
export type Transfer = NonNullable<DeviceMigrationStatus['transfer']>;
/** The first error of a migration; `code` is an ErrorCode unless a newer component wrote it. */
export type FirstError = NonNullable<DeviceMigrationStatus['error']>;
