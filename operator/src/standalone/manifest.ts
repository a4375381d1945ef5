import {
  DEVICE_MIGRATION_KIND,
  type DeviceMigration,
  GROUP,
  parseManifest,
  type Parsed,
  type Refusal,
} from '@transship/crds';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import type { MigrationKey } from '../reconcile/ports.ts';

/** One DeviceMigration of a manifest file, or why there is none. */
export interface ManifestDocument {
  readonly key: MigrationKey;
  /** False: the document does not tell its name, so the key is made of the file's. */
  readonly named: boolean;
  readonly parsed: Parsed<DeviceMigration>;
}

/** Aliases can make a small file expand to a huge one; no manifest needs any. */
const MAX_ALIASES = 16;

const names = z.object({
  metadata: z.object({
    name: z.string().regex(/^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/),
    namespace: z
      .string()
      .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)
      .default(''),
  }),
});

const typed = z.object({ apiVersion: z.string(), kind: z.string() });

/**
 * Every DeviceMigration in the text of a file. Documents of other API groups are passed over. What cannot be read is
 * reported under the name of its file, so that it gets a record that says so.
 */
export function readManifest(fileName: string, text: string): ManifestDocument[] {
  const documents = parseAllDocuments(text, { prettyErrors: true });
  // In a file with a syntax error nobody knows where one document ends, so none of it counts.
  const broken = [...documents].flatMap(({ errors }) => errors)[0];
  if (broken !== undefined)
    return [refuseFile(fileName, `${fileName} is not YAML: ${firstLine(broken.message)}`)];
  return [...documents].flatMap((document) =>
    readDocument(fileName, () => document.toJS({ maxAliasCount: MAX_ALIASES })),
  );
}

function readDocument(fileName: string, toValue: () => unknown): ManifestDocument[] {
  let value: unknown;
  try {
    value = toValue();
  } catch (error) {
    return [
      refuseFile(
        fileName,
        `${fileName}: ${error instanceof Error ? firstLine(error.message) : 'unreadable'}`,
      ),
    ];
  }
  if (value === null || value === undefined) return [];
  const type = typed.safeParse(value);
  if (type.success && !isOurs(type.data)) return [];
  const named = names.safeParse(value);
  const parsed = parseManifest(value);
  if (named.success) return [{ key: named.data.metadata, named: true, parsed }];
  if (!parsed.ok) return [{ ...refuseFile(fileName, ''), parsed }];
  return [refuseFile(fileName, `${fileName}: metadata.name or metadata.namespace cannot be used`)];
}

/** A slip in one of both words must not make a manifest invisible. */
function isOurs({ apiVersion, kind }: z.output<typeof typed>): boolean {
  return kind === DEVICE_MIGRATION_KIND || apiVersion.startsWith(`${GROUP}/`);
}

/** The one document of a file that cannot be read. */
export function refuseFile(fileName: string, message: string): ManifestDocument {
  const refusal: Refusal = { ok: false, code: 'InvalidManifest', message, path: '' };
  return { key: { namespace: '', name: nameFromFile(fileName) }, named: false, parsed: refusal };
}

function nameFromFile(fileName: string): string {
  const stem = fileName.replace(/\.ya?ml$/, '').toLowerCase();
  const name = stem.replaceAll(/[^-.a-z0-9]/g, '-').replaceAll(/^[-.]+|[-.]+$/g, '');
  return name === '' ? 'manifest' : name.slice(0, 200);
}

function firstLine(message: string): string {
  return (message.split('\n')[0] ?? '').slice(0, 500);
}
