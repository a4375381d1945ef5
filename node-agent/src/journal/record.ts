import { z } from 'zod';
import type { Session } from '../core/session.ts';
import { decodeChecked, encodeChecked } from './checksummed.ts';
import { sessionSchema } from './session-schema.ts';

/** Another one when a record means what the versions before would misread; they refuse it and keep the file. */
const FORMAT = 'transship.dev/agent-journal/v1';

const recordSchema = z.object({
  format: z.literal(FORMAT),
  writtenAt: z.iso.datetime(),
  session: sessionSchema,
});

/** What any version of a record tells of the devices that it is about. */
const devicesSchema = z.object({
  session: z.object({ devices: z.array(z.object({ id: z.string().min(1).max(317) })).max(256) }),
});

export interface JournalRecord {
  readonly writtenAt: Date;
  readonly session: Session;
}

export type Decoded =
  | { readonly ok: true; readonly record: JournalRecord }
  | {
      readonly ok: false;
      /** Why the file is not a record of ours, for people. */
      readonly why: string;
      /** The devices that it is about; null when it does not even tell that. */
      readonly devices: readonly string[] | null;
    };

export function encodeRecord(record: JournalRecord): Buffer {
  return encodeChecked({
    format: FORMAT,
    writtenAt: record.writtenAt.toISOString(),
    session: record.session,
  });
}

/** Never throws: whatever is in the file, the answer says what it is. */
export function decodeRecord(contents: Buffer): Decoded {
  const checked = decodeChecked(contents);
  if (!checked.ok) return { ...checked, devices: null };
  const parsed = recordSchema.safeParse(checked.value);
  if (parsed.success) {
    const { writtenAt, session } = parsed.data;
    return { ok: true, record: { writtenAt: new Date(writtenAt), session } };
  }
  const named = devicesSchema.safeParse(checked.value);
  const devices = named.success ? named.data.session.devices.map(({ id }) => id) : null;
  return {
    ok: false,
    why: `it is not a session of this version: ${z.prettifyError(parsed.error)}`,
    devices,
  };
}
