import { z } from 'zod';
import type { CommandRequest } from '../contract/command-request.ts';
import { versionOnWire } from '../contract/contract-version.ts';
import { decisions, roles, streamKinds } from '../contract/enums.ts';
import type { CommandMethod } from '../contract/requests.ts';
import type { Role, SourceCommand, TargetCommand } from '../core/command.ts';
import { migrationUid } from '../journal/session-schema.ts';

/** A call that no correct operator makes; the message names the field. */
export class MalformedRequest extends Error {
  override readonly name = 'MalformedRequest';
}

/** How long a reply is held back at most, ms. */
const MAX_WAIT_MS = 120_000;
const MAX_QUIESCE_MS = 10 * 60_000;
/** Of a set; the API has the same limit (crds/src/device.ts). */
const MAX_DEVICES = 16;
const MAX_STREAMS = 2 * MAX_DEVICES + 1;

const count = z.int().nonnegative();
const generation = z.int().min(1).max(1_000_000);

const text = z.instanceof(Buffer).transform((bytes) => bytes.toString('utf8'));

const header = z.object({
  migrationUid,
  fence: z.int().min(1),
  sequence: count,
  operator: z.string().min(1).max(128),
  waitMs: z.int().min(0).max(MAX_WAIT_MS),
  ticket: text.pipe(z.string().max(256)),
});

/** An enum of the proto file, as the word of the core. */
const word = <Word extends string>(codec: { fromWire(value: string): Word }) =>
  z.string().transform((value, context): Word => {
    try {
      return codec.fromWire(value);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
      return z.NEVER;
    }
  });

const devices = z.array(z.string().min(1).max(317)).min(1).max(MAX_DEVICES);
const withGeneration = z.object({ header, generation });
const withDecision = z.object({ header, decision: word(decisions) });

const attach = z.object({ header, role: word(roles) });
const prepare = z.object({ header, role: word(roles), generation, devices });
const pull = z.object({
  sourceEndpoint: z.string().regex(/^[^\s/]{1,255}:[0-9]{1,5}$/),
  sourceNode: z.string().min(1).max(253),
  ticket: text.pipe(z.string().min(16).max(256)),
  bandwidthLimit: count,
});
const quiesce = z.object({
  header,
  timeoutMs: z.int().min(1).max(MAX_QUIESCE_MS),
  waitOnTimeout: z.boolean(),
});
const totals = z
  .object({
    kind: word(streamKinds),
    deviceIndex: count.max(MAX_DEVICES - 1),
    bytes: count,
    segments: count,
    crc32c: count,
  })
  .array()
  .max(MAX_STREAMS);
const verify = z.object({ header, generation, expected: totals });

export interface ParsedCommand {
  readonly request: CommandRequest;
  readonly waitMs: number;
}

type Parser = (message: unknown) => ParsedCommand;

const anyCommand = z.looseObject({ header: z.looseObject({ migrationUid, contractVersion: count }) });

/**
 * What is looked at before anything else of a command, which may be of a version that nothing else is known of.
 * @throws MalformedRequest
 */
export function parseSender(message: unknown): { readonly uid: string; readonly contractVersion: number } {
  const { migrationUid: uid, contractVersion } = read(anyCommand, message).header;
  return { uid, contractVersion: versionOnWire(contractVersion) };
}

function parsed(
  wire: z.output<typeof header>,
  role: Role,
  command: SourceCommand | TargetCommand,
): ParsedCommand {
  const { migrationUid: uid, fence, sequence, operator, waitMs, ticket } = wire;
  return { request: { header: { uid, fence, sequence, operator, ticket }, role, command }, waitMs };
}

/** The command that each rpc carries. Their messages come from outside. @throws MalformedRequest */
export const commandParsers: Readonly<Record<CommandMethod, Parser>> = {
  Attach: (message) => {
    const { header: head, role } = read(attach, message);
    return parsed(head, role, { kind: 'attach' });
  },
  Prepare: (message) => {
    const { header: head, role, ...rest } = read(prepare, message);
    if (role === 'source') return parsed(head, role, { kind: 'prepare', ...rest });
    const { sourceEndpoint: endpoint, sourceNode: node, ticket, bandwidthLimit } = read(pull, message);
    return parsed(head, role, { kind: 'prepare', ...rest, pull: { endpoint, node, ticket, bandwidthLimit } });
  },
  PreCopy: (message) => {
    const { header: head, generation: wanted } = read(withGeneration, message);
    return parsed(head, 'source', { kind: 'preCopy', generation: wanted });
  },
  Quiesce: (message) => {
    const { header: head, timeoutMs, waitOnTimeout } = read(quiesce, message);
    return parsed(head, 'source', { kind: 'quiesce', timeoutMs, waitOnTimeout });
  },
  Stop: (message) => {
    const { header: head, generation: wanted } = read(withGeneration, message);
    return parsed(head, 'source', { kind: 'stop', generation: wanted });
  },
  Verify: (message) => {
    const { header: head, generation: wanted, expected } = read(verify, message);
    return parsed(head, 'target', { kind: 'verify', generation: wanted, expected });
  },
  Activate: (message) => {
    const { header: head, decision } = read(withDecision, message);
    return parsed(head, 'target', { kind: 'activate', decision });
  },
  Commit: (message) => {
    const { header: head, decision } = read(withDecision, message);
    return parsed(head, 'source', { kind: 'commit', decision });
  },
  Release: (message) => {
    const { header: head, decision } = read(withDecision, message);
    return parsed(head, 'source', { kind: 'release', decision });
  },
  RollBack: (message) => {
    const { header: head, decision } = read(withDecision, message);
    return parsed(head, 'source', { kind: 'rollBack', decision });
  },
  Discard: (message) => {
    const { header: head, decision } = read(withDecision, message);
    return parsed(head, 'target', { kind: 'discard', decision });
  },
};

const observe = z.object({ migrationUid, role: word(roles) });

/** @throws MalformedRequest */
export function parseObserve(message: unknown): { readonly uid: string; readonly role: Role } {
  const { migrationUid: uid, role } = read(observe, message);
  return { uid, role };
}

const describe = z.object({ ids: z.array(z.string().max(317)).max(256) });

/** @throws MalformedRequest */
export function parseDescribe(message: unknown): readonly string[] {
  return read(describe, message).ids;
}

const listSessions = z.object({ onlyBound: z.boolean(), after: z.union([z.literal(''), migrationUid]) });

/** @throws MalformedRequest */
export const parseListSessions = (message: unknown): z.output<typeof listSessions> =>
  read(listSessions, message);

const endQuarantine = z.object({
  deviceId: z.string().min(1).max(317),
  migrationUid: z.union([z.literal(''), migrationUid]),
});

/** @throws MalformedRequest */
export function parseEndQuarantine(message: unknown): { readonly deviceId: string; readonly uid: string } {
  const { deviceId, migrationUid: uid } = read(endQuarantine, message);
  return { deviceId, uid };
}

const open = z.object({
  migrationUid,
  fence: z.int().min(1),
  ticket: text.pipe(z.string().max(256)),
  stream: word(streamKinds),
  deviceIndex: count.max(MAX_DEVICES - 1),
  generation,
  next: count,
});

/** The first message of a pull. @throws MalformedRequest */
export function parseOpen(message: unknown): {
  readonly uid: string;
  readonly fence: number;
  readonly ticket: string;
  readonly stream: { readonly kind: ReturnType<typeof streamKinds.fromWire>; readonly deviceIndex: number };
  readonly generation: number;
  readonly next: number;
} {
  const { migrationUid: uid, stream: kind, deviceIndex, ...rest } = read(open, message);
  return { uid, stream: { kind, deviceIndex }, ...rest };
}

const ack = z.object({ written: count, accepted: count });

/** @throws MalformedRequest */
export const parseAck = (message: unknown): z.output<typeof ack> => read(ack, message);

function read<Schema extends z.ZodType>(schema: Schema, message: unknown): z.output<Schema> {
  const result = schema.safeParse(message);
  if (!result.success) throw new MalformedRequest(z.prettifyError(result.error));
  return result.data;
}
