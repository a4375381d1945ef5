import { crc32 } from 'node:zlib';
import { z } from 'zod';
import type { Session } from '../core/session.ts';
import { sessionSchema } from './session-schema.ts';

/** Another one when a record means what the versions before would misread; they refuse it and keep the file. */
const FORMAT = 'transship.dev/agent-journal/v1';

/** No session of a set comes near it; a larger file is not one of ours. */
export const MAX_RECORD_BYTES = 4 * 1024 * 1024;

const recordSchema = z.object({
  format: z.literal(FORMAT),
  writtenAt: z.iso.datetime(),
  session: sessionSchema,
});

export interface JournalRecord {
  readonly writtenAt: Date;
  readonly session: Session;
}

/** Why a file is not a record of ours, for people. */
export type Decoded =
  { readonly ok: true; readonly record: JournalRecord } | { readonly ok: false; readonly why: string };

/**
 * Two lines: the record as JSON, then the CRC-32 of that line's bytes (`crc32 1a2b3c4d`), so that a torn or
 * altered file is known for what it is.
 */
export function encodeRecord(record: JournalRecord): Buffer {
  const json = Buffer.from(
    JSON.stringify({ format: FORMAT, writtenAt: record.writtenAt.toISOString(), session: record.session }),
  );
  return Buffer.concat([json, Buffer.from(`\ncrc32 ${checksum(json)}\n`)]);
}

/** Never throws: whatever is in the file, the answer says what it is. */
export function decodeRecord(contents: Buffer): Decoded {
  if (contents.length > MAX_RECORD_BYTES) return refused(`it has ${contents.length} bytes`);
  const end = contents.indexOf('\n');
  if (end < 0) return refused('it is torn: the line of the checksum is missing');
  const json = contents.subarray(0, end);
  const trailer = contents.subarray(end + 1).toString('latin1');
  if (trailer !== `crc32 ${checksum(json)}\n`) return refused('its checksum does not match');
  return parse(json.toString('utf8'));
}

function parse(json: string): Decoded {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return refused('it is not JSON');
  }
  const parsed = recordSchema.safeParse(value);
  if (!parsed.success)
    return refused(`it is not a session of this version: ${z.prettifyError(parsed.error)}`);
  return { ok: true, record: { writtenAt: new Date(parsed.data.writtenAt), session: parsed.data.session } };
}

const refused = (why: string): Decoded => ({ ok: false, why });

const checksum = (bytes: Buffer): string => crc32(bytes).toString(16).padStart(8, '0');
