import type { z } from 'zod';
import { clipMessage } from './conditions.ts';
import { type ErrorCode, isErrorCode } from './errors.ts';
import { nodeDeviceInventory, type NodeDeviceInventory } from './inventory.ts';
import { deviceMigration, type DeviceMigration } from './migration.ts';

export type Refusal = {
  readonly ok: false;
  readonly code: ErrorCode;
  /** One sentence that begins with the path, in the words of the API server where it has some. */
  readonly message: string;
  /** `spec.source.devices[1]`; empty for the whole object. */
  readonly path: string;
};

export type Parsed<T> = { readonly ok: true; readonly value: T } | Refusal;

const MESSAGE_MAX = 1024;

/**
 * Checks a DeviceMigration read from the API server and fills in defaults.
 * A refusal whose path lies in `status` has the code Internal: the manifest is fine, but a record cannot be read
 * (written by another version, or damaged). The set may be stopped at that moment, so it must never become Rejected.
 */
export function parseMigration(input: unknown): Parsed<DeviceMigration> {
  return parse(deviceMigration, input);
}

/**
 * Checks a manifest written by a person. As the API server does on create, whatever it says under `status` is dropped:
 * nobody may bring a decision along. It lies in a folder, which has no pods.
 */
export function parseManifest(input: unknown): Parsed<DeviceMigration> {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    return parse(deviceMigration, input);
  const withoutStatus = Object.fromEntries(Object.entries(input).filter(([key]) => key !== 'status'));
  return refusePodName(parse(deviceMigration, withoutStatus));
}

/** For whoever cannot find the devices of a pod: refuses a migration that names one, and leaves any other as it is. */
export function refusePodName(parsed: Parsed<DeviceMigration>): Parsed<DeviceMigration> {
  if (!parsed.ok || parsed.value.spec.source.podName === undefined) return parsed;
  const path = 'spec.source.podName';
  const message = `${path}: the devices of a pod cannot be found here; remove podName and list its devices in devices`;
  return { ok: false, code: 'PodNameUnsupported', message, path };
}

/** Checks a NodeDeviceInventory read from the API server. */
export function parseInventory(input: unknown): Parsed<NodeDeviceInventory> {
  return parse(nodeDeviceInventory, input);
}

function parse<T>(schema: z.ZodType<T>, input: unknown): Parsed<T> {
  const result = schema.safeParse(input, { reportInput: true });
  if (result.success) return { ok: true, value: result.data };
  return refusal(result.error.issues);
}

/** A mistyped field often makes a required one missing; the mistyped one is what the person has to see. */
function refusal(issues: readonly z.core.$ZodIssue[]): Refusal {
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  if (issue === undefined)
    return { ok: false, code: 'Internal', message: 'refused without a reason', path: '' };
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  if (issue.code === 'unrecognized_keys') {
    const path = pathOf([...issue.path, issue.keys[0] ?? '']);
    return {
      ok: false,
      code: 'UnknownField',
      message: clipMessage(`unknown field "${path}"${more}`, MESSAGE_MAX),
      path,
    };
  }
  const path = pathOf(issue.path);
  const message = clipMessage(
    `${path === '' ? 'the document' : path}: ${sentenceOf(issue)}${more}`,
    MESSAGE_MAX,
  );
  return { ok: false, code: codeOf(issue, path), message, path };
}

function codeOf(issue: z.core.$ZodIssue, path: string): ErrorCode {
  if (path === 'status' || path.startsWith('status.')) return 'Internal';
  if (issue.code === 'custom') {
    const code: unknown = issue.params?.['code'];
    if (typeof code === 'string' && isErrorCode(code)) return code;
  }
  if (issue.code === 'too_small' && path === 'spec.source.devices') return 'NoDevices';
  const ofText = issue.code === 'invalid_format' || issue.code === 'too_small' || issue.code === 'too_big';
  if (ofText && /^spec\.strategy\.[a-zA-Z]+(Limit|Timeout)$/.test(path)) return 'InvalidQuantity';
  return 'InvalidManifest';
}

function sentenceOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.input === undefined) return 'Required value';
  if (issue.code === 'invalid_format' && issue.format === 'regex')
    return `should match '${issue.pattern ?? ''}'`;
  return issue.message;
}

function pathOf(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? String(part) : `.${String(part)}`;
  }
  return text;
}
