import type { z } from 'zod';
import type { ErrorCode } from './errors.ts';
import {
  BOUNDS,
  BYTES_PATTERN,
  DURATION_PATTERN,
  parseBytes,
  parseDuration,
  QuantityError,
} from './quantity.ts';
import { rules } from './rules.ts';

type Context = z.core.$RefinementCtx;

interface Place {
  readonly nodeName?: string | undefined;
  readonly devices?: readonly string[] | undefined;
}

interface Source extends Place {
  readonly podName?: string | undefined;
  readonly podUID?: string | undefined;
}

interface Target extends Place {
  readonly nodeSelector?: Readonly<Record<string, string>> | undefined;
}

interface Strategy {
  readonly downtimeLimit: string;
  readonly quiesceTimeout: string;
  readonly preCopyTimeout: string;
  readonly bandwidthLimit?: string | undefined;
}

function refuse(context: Context, code: ErrorCode, message: string, path: (string | number)[] = []): void {
  context.addIssue({ code: 'custom', message, path, params: { code } });
}

/** One of devices and podName, the ids on the node, none twice. */
export function checkSource(source: Source, context: Context): void {
  const { devices, podName, podUID } = source;
  if (podName === undefined && devices === undefined) refuse(context, 'NoDevices', rules.devicesRequired);
  if (podName !== undefined && devices !== undefined)
    refuse(context, 'InvalidManifest', rules.devicesRequired, ['podName']);
  if (podUID !== undefined && podName === undefined)
    refuse(context, 'InvalidManifest', rules.podUidNeedsPod, ['podUID']);
  checkDevices(source, context);
}

/** Explicitly named target devices are on the target node, none twice. */
export function checkTarget(target: Place, context: Context): void {
  checkDevices(target, context);
}

function checkDevices({ nodeName, devices }: Place, context: Context): void {
  const seen = new Set<string>();
  for (const [index, id] of (devices ?? []).entries()) {
    if (seen.has(id))
      refuse(context, 'DuplicateDevice', `Duplicate value: ${JSON.stringify(id)}`, ['devices', index]);
    else if (nodeName !== undefined && !id.startsWith(`${nodeName}/`)) {
      refuse(context, 'InvalidManifest', `${JSON.stringify(id)}: ${rules.devicesOnNode}`, ['devices', index]);
    }
    seen.add(id);
  }
}

/** No fallback node twice. */
export function checkRecovery(
  { fallbackNodeNames = [] }: { readonly fallbackNodeNames?: readonly string[] | undefined },
  context: Context,
): void {
  for (const [index, name] of fallbackNodeNames.entries()) {
    if (fallbackNodeNames.indexOf(name) === index) continue;
    const message = `Duplicate value: ${JSON.stringify(name)}`;
    refuse(context, 'InvalidManifest', message, ['fallbackNodeNames', index]);
  }
}

interface Spec {
  readonly source: Source;
  readonly target: Target;
  readonly recovery: { readonly fallbackNodeNames?: readonly string[] | undefined };
}

/** Different nodes, a pairing that names a target for every source device, and what goes with a pod alone. */
export function checkSpec({ source, target, recovery }: Spec, context: Context): void {
  if (source.podName === undefined) {
    if (target.nodeName === undefined)
      refuse(context, 'InvalidManifest', rules.targetRequired, ['target', 'nodeName']);
    if (target.nodeSelector !== undefined)
      refuse(context, 'InvalidManifest', rules.nodeSelectorNeedsPod, ['target', 'nodeSelector']);
  } else if (recovery.fallbackNodeNames !== undefined) {
    refuse(context, 'InvalidManifest', rules.fallbackNeedsDevices, ['recovery', 'fallbackNodeNames']);
  }
  if (source.nodeName === target.nodeName)
    refuse(context, 'SameNode', rules.nodesDiffer, ['target', 'nodeName']);
  if (target.devices !== undefined && target.devices.length !== source.devices?.length) {
    refuse(context, 'PairingImpossible', rules.pairingLength, ['target', 'devices']);
  }
  const taken = [source.nodeName, target.nodeName];
  if (recovery.fallbackNodeNames?.some((name) => taken.includes(name)) === true)
    refuse(context, 'SameNode', rules.fallbackNodesDiffer, ['recovery', 'fallbackNodeNames']);
}

/** Durations and the bandwidth within their bounds; text that is none of these has its own refusal already. */
export function checkStrategy(strategy: Strategy, context: Context): void {
  const check = (field: keyof typeof BOUNDS, parse: typeof parseBytes, sentence: string): void => {
    const text = strategy[field];
    const pattern = parse === parseBytes ? BYTES_PATTERN : DURATION_PATTERN;
    if (text === undefined || !pattern.test(text)) return;
    try {
      parse(text, BOUNDS[field]);
    } catch (error) {
      if (!(error instanceof QuantityError)) throw error;
      refuse(context, error.code, `${JSON.stringify(text)}: ${sentence}`, [field]);
    }
  };
  check('downtimeLimit', parseDuration, rules.downtimeLimitBounds);
  check('quiesceTimeout', parseDuration, rules.quiesceTimeoutBounds);
  check('preCopyTimeout', parseDuration, rules.preCopyTimeoutBounds);
  check('bandwidthLimit', parseBytes, rules.bandwidthLimitBounds);
}
