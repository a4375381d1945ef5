import { crc32 } from 'node:zlib';
import {
  API_VERSION,
  DEVICE_MIGRATION_KIND,
  deviceMigrationSpec,
  deviceMigrationStatus,
  FINALIZER,
  isErrorCode,
  type ErrorCode,
} from '@transship/crds';
import { z } from 'zod';
import type { StoredMigration } from '../reconcile/ports.ts';

const refusal = z.object({
  code: z.custom<ErrorCode>((value) => typeof value === 'string' && isErrorCode(value)),
  message: z.string(),
  path: z.string(),
});

/** What a folder keeps of one migration: the object as an API server would hold it, and where it came from. */
const record = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal(DEVICE_MIGRATION_KIND),
  metadata: z.strictObject({
    name: z.string().min(1),
    namespace: z.string(),
    uid: z.uuid(),
    generation: z.int().min(1),
    creationTimestamp: z.iso.datetime(),
    deletionTimestamp: z.iso.datetime().optional(),
    finalizers: z.array(z.string()),
  }),
  /** Name of the manifest file, from which the key must vanish before that means deletion. */
  manifest: z.string().min(1),
  /** As accepted, defaults filled in; null when the manifest was refused. */
  spec: deviceMigrationSpec.nullable(),
  refusal: refusal.optional(),
  status: deviceMigrationStatus,
});

export type MigrationRecord = z.output<typeof record>;

/** A record file that cannot be used. It is never taken for a missing one: the set of its migration may be stopped. */
export class RecordUnreadableError extends Error {
  override readonly name = 'RecordUnreadableError';
  readonly code = 'Internal';

  constructor(path: string, cause: unknown) {
    super(
      `${path} is damaged or was edited; nothing is done for its migration until it is whole again or removed`,
      {
        cause,
      },
    );
  }
}

/** JSON for people and programs; the checksum over the rest, without blanks, tells a torn or edited file. */
export function encodeRecord(value: MigrationRecord): string {
  return `${JSON.stringify({ ...value, checksum: checksumOf(value) }, null, 2)}\n`;
}

/** @throws RecordUnreadableError */
export function decodeRecord(path: string, text: string): MigrationRecord {
  try {
    const { checksum, ...rest } = z.looseObject({ checksum: z.string() }).parse(JSON.parse(text));
    if (checksum !== checksumOf(rest)) throw new Error('the checksum does not match');
    return record.parse(rest);
  } catch (error) {
    throw new RecordUnreadableError(path, error);
  }
}

/** The port's view of a record. */
export function toStoredMigration(from: MigrationRecord): StoredMigration {
  const { metadata, spec, refusal: refused, status } = from;
  return {
    key: { namespace: metadata.namespace, name: metadata.name },
    uid: metadata.uid,
    version: checksumOf(from),
    generation: metadata.generation,
    createdAt: new Date(metadata.creationTimestamp),
    deletionRequested: metadata.deletionTimestamp !== undefined,
    finalizerPresent: metadata.finalizers.includes(FINALIZER),
    spec:
      spec !== null
        ? { ok: true, value: spec }
        : {
            ok: false,
            ...(refused ?? { code: 'InvalidManifest', message: 'the manifest was refused', path: '' }),
          },
    status,
  };
}

function checksumOf(value: object): string {
  return `crc32:${crc32(JSON.stringify(value)).toString(16).padStart(8, '0')}`;
}
