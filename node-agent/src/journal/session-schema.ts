import { z } from 'zod';
import type { Session } from '../core/session.ts';

const count = z.int().nonnegative();

const failure = z.object({ code: z.string(), message: z.string(), device: z.string().nullable() });

const boundDevice = z.object({
  id: z.string(),
  incarnation: z.string(),
  p2p: z.boolean(),
  // Defaults of what earlier versions did not write.
  protocol: z.string().default('v1'),
  preCopy: z.boolean().default(true),
  externals: z.string().max(4096).default(''),
  lost: z.boolean(),
  quarantined: z.boolean(),
  // Absent in what earlier versions wrote, and where it is not true, so that they can read it.
  untold: z.boolean().exactOptional(),
});

const pull = z.object({
  endpoint: z.string(),
  node: z.string(),
  ticket: z.string(),
  bandwidthLimit: count,
});

const totals = z.object({
  kind: z.enum(['device', 'externals', 'workload']),
  deviceIndex: count,
  bytes: count,
  segments: count,
  crc32c: count,
});

const phase = z.enum([
  'Fenced',
  'Prepared',
  'PreCopying',
  'PreCopy',
  'Quiescing',
  'Quiesced',
  'Unquiescing',
  'Stopping',
  'Stopped',
  'RollingBack',
  'Restarting',
  'RolledBack',
  'Releasing',
  'Released',
  'Preparing',
  'Loading',
  'Verifying',
  'Verified',
  'Activating',
  'Starting',
  'Active',
  'Discarding',
  'Discarded',
]);

/** What a migration UID may look like, here and in file names: a UUID, or any short word of its letters. */
export const migrationUid = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/);

/**
 * A session as it stands in its file. What a later version added is passed over: it adds only what may be forgotten, and
 * names another format for anything else (record.ts). The version before this one refuses what it does not know, so a
 * field is written only where it says something.
 */
export const sessionSchema: z.ZodType<Session> = z.object({
  uid: migrationUid,
  role: z.enum(['source', 'target']),
  fence: count,
  sequence: count,
  operator: z.string(),
  phase,
  generation: count,
  devices: z.array(boundDevice),
  ticket: z.string(),
  pull: pull.nullable(),
  cameFromStop: z.boolean(),
  decisionSeen: z.enum(['Undecided', 'Commit', 'Abort', 'Revert']),
  error: failure.nullable(),
  quiesceTimeouts: count,
  promised: z.array(totals),
});
