import type { DeviceMigrationManifest, ErrorCode } from '@transship/crds';
import { rules } from '@transship/crds';

/** Who refuses a document: the API server (schema and CEL), this project's parsers (zod), or both alike. */
export type RefusedBy = 'api' | 'zod' | 'both';

/** A document that must be refused, with the answer a person gets. */
export interface BadManifest {
  /** Completes the sentence "refuses ...". */
  readonly name: string;
  readonly manifest: unknown;
  /** Stable code of the zod side; the API server has none. */
  readonly code: ErrorCode;
  /** Part of the message on either side, or of the zod side when `apiMessagePart` is given. */
  readonly messagePart: string;
  readonly apiMessagePart?: string;
  readonly refusedBy: RefusedBy;
}

type Spec = DeviceMigrationManifest['spec'];
type Case = readonly [name: string, manifest: unknown, code: ErrorCode, messagePart: string, api?: string];

/** Two devices from gpu-a to gpu-b, everything else by default; a fresh copy each time. */
export function goodManifest(name = 'trainer-0'): DeviceMigrationManifest {
  return {
    apiVersion: 'transship.dev/v1alpha1',
    kind: 'DeviceMigration',
    metadata: { name, namespace: 'default' },
    spec: {
      source: { nodeName: 'gpu-a', devices: ['gpu-a/0', 'gpu-a/1'] },
      target: { nodeName: 'gpu-b' },
    },
  };
}

/** The devices of a pod, to wherever the scheduler puts the target pod; a fresh copy each time. */
export function podManifest(name = 'trainer-0'): DeviceMigrationManifest {
  return {
    ...goodManifest(name),
    spec: { source: { nodeName: 'gpu-a', podName: 'trainer-0', podUID: '4f1a-0' }, target: {} },
  };
}

/** The good manifest with parts of its spec replaced; takes what the types forbid, since that is the point. */
function spec(change: { [part in keyof Spec]?: unknown } & Record<string, unknown>): unknown {
  const good = goodManifest();
  return { ...good, spec: { ...good.spec, ...change } };
}

function source(change: Record<string, unknown>): unknown {
  return spec({ source: { nodeName: 'gpu-a', devices: ['gpu-a/0', 'gpu-a/1'], ...change } });
}

function target(change: Record<string, unknown>): unknown {
  return spec({ target: { nodeName: 'gpu-b', ...change } });
}

function strategy(change: Record<string, unknown>): unknown {
  return spec({ strategy: change });
}

const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `gpu-a/${index}`);

const whole: readonly Case[] = [
  [
    'another API version',
    { ...goodManifest(), apiVersion: 'transship.dev/v2' },
    'InvalidManifest',
    'apiVersion',
    'no matches for kind',
  ],
  [
    'another kind',
    { ...goodManifest(), kind: 'Migration' },
    'InvalidManifest',
    'kind',
    'no matches for kind',
  ],
  ['a name with capitals', goodManifest('Trainer'), 'InvalidManifest', 'metadata.name'],
  ['a missing spec', { ...goodManifest(), spec: undefined }, 'InvalidManifest', 'spec: Required value'],
  ['a spec that is a list', { ...goodManifest(), spec: [] }, 'InvalidManifest', 'spec'],
  ['an unknown field beside spec', { ...goodManifest(), specs: {} }, 'UnknownField', 'unknown field "specs"'],
  ['an unknown field in spec', spec({ priority: 3 }), 'UnknownField', 'unknown field "spec.priority"'],
];

const places: readonly Case[] = [
  ['a target on the source node', target({ nodeName: 'gpu-a' }), 'SameNode', rules.nodesDiffer],
  ['a missing target', spec({ target: undefined }), 'InvalidManifest', rules.targetRequired],
  ['a target without a node', spec({ target: {} }), 'InvalidManifest', rules.targetRequired],
  ['a node name that is a number', target({ nodeName: 5 }), 'InvalidManifest', 'spec.target.nodeName'],
  ['a node name with capitals', target({ nodeName: 'GPU-B' }), 'InvalidManifest', 'spec.target.nodeName'],
  ['an empty node name', target({ nodeName: '' }), 'InvalidManifest', 'spec.target.nodeName'],
  [
    'a node name of 254 characters',
    target({ nodeName: 'b'.repeat(254) }),
    'InvalidManifest',
    'spec.target.nodeName',
  ],
  ['a source without devices', source({ devices: undefined }), 'NoDevices', rules.devicesRequired],
  ['an empty device list', source({ devices: [] }), 'NoDevices', 'spec.source.devices'],
  [
    'a mistyped field name',
    source({ devices: undefined, devises: ['gpu-a/0'] }),
    'UnknownField',
    'unknown field "spec.source.devises"',
  ],
  [
    'a device listed twice',
    source({ devices: ['gpu-a/0', 'gpu-a/0'] }),
    'DuplicateDevice',
    'spec.source.devices[1]: Duplicate value: "gpu-a/0"',
  ],
  ['seventeen devices', source({ devices: ids(17) }), 'InvalidManifest', 'spec.source.devices'],
  ['devices that are one string', source({ devices: 'gpu-a/0' }), 'InvalidManifest', 'spec.source.devices'],
  ['a device of another node', source({ devices: ['gpu-b/0'] }), 'InvalidManifest', rules.devicesOnNode],
  [
    'a device of a node whose name only begins alike',
    source({ devices: ['gpu-a2/0'] }),
    'InvalidManifest',
    rules.devicesOnNode,
  ],
  [
    'a device id without a node',
    source({ devices: ['0000:3b:00.0'] }),
    'InvalidManifest',
    'spec.source.devices[0]',
  ],
  [
    'a device id with two slashes',
    source({ devices: ['gpu-a/0/1'] }),
    'InvalidManifest',
    'spec.source.devices[0]',
  ],
  [
    'a device id with a line break',
    source({ devices: ['gpu-a/0\n'] }),
    'InvalidManifest',
    'spec.source.devices[0]',
  ],
  [
    'a device name of 64 characters',
    source({ devices: [`gpu-a/${'0'.repeat(64)}`] }),
    'InvalidManifest',
    'spec.source.devices[0]',
  ],
  ['a pairing that is too short', target({ devices: ['gpu-b/0'] }), 'PairingImpossible', rules.pairingLength],
  [
    'a pairing with one device twice',
    target({ devices: ['gpu-b/0', 'gpu-b/0'] }),
    'DuplicateDevice',
    'spec.target.devices[1]: Duplicate value: "gpu-b/0"',
  ],
  [
    'a pairing with source devices',
    target({ devices: ['gpu-a/0', 'gpu-b/1'] }),
    'InvalidManifest',
    rules.devicesOnNode,
  ],
];

/** A set that is named by its pod, with parts of the source and of the spec replaced. */
const pod = (ofSource: Record<string, unknown>, ofSpec: Record<string, unknown> = {}): unknown =>
  spec({ source: { nodeName: 'gpu-a', podName: 'trainer-0', ...ofSource }, target: {}, ...ofSpec });

const pods: readonly Case[] = [
  ['a pod name beside devices', pod({ devices: ['gpu-a/0'] }), 'InvalidManifest', rules.devicesRequired],
  ['a pod name with capitals', pod({ podName: 'Trainer' }), 'InvalidManifest', 'spec.source.podName'],
  ['a UID without a pod', source({ podUID: '4f1a' }), 'InvalidManifest', rules.podUidNeedsPod],
  ['an empty pod UID', pod({ podUID: '' }), 'InvalidManifest', 'spec.source.podUID'],
  [
    'a target pod on the source node',
    pod({}, { target: { nodeName: 'gpu-a' } }),
    'SameNode',
    rules.nodesDiffer,
  ],
  [
    'a pairing for a pod whose devices are not known',
    pod({}, { target: { nodeName: 'gpu-b', devices: ['gpu-b/0'] } }),
    'PairingImpossible',
    rules.pairingLength,
  ],
  [
    'a node selector without a pod',
    target({ nodeSelector: { zone: 'a' } }),
    'InvalidManifest',
    rules.nodeSelectorNeedsPod,
  ],
  [
    'a fallback node for a pod',
    pod({}, { recovery: { fallbackNodeNames: ['gpu-c'] } }),
    'InvalidManifest',
    rules.fallbackNeedsDevices,
  ],
  [
    'a label value with a blank',
    pod({}, { target: { nodeSelector: { zone: 'a b' } } }),
    'InvalidManifest',
    'spec.target.nodeSelector.zone',
  ],
  [
    'seventeen labels',
    pod({}, { target: { nodeSelector: Object.fromEntries(ids(17).map((_, index) => [`l${index}`, ''])) } }),
    'InvalidManifest',
    'must have at most 16 items',
  ],
];

const durations: readonly Case[] = [
  '2',
  '',
  '-1s',
  '1.5s',
  '2 s',
  '2S',
  '2d',
  '99999999s',
  '1s1s1s1s1s',
  's',
].map((text) => [
  `the duration ${JSON.stringify(text)}`,
  strategy({ quiesceTimeout: text }),
  'InvalidQuantity',
  'spec.strategy.quiesceTimeout',
]);

const byteQuantities: readonly Case[] = [
  '0',
  '',
  '-1',
  '1.5G',
  '1e9',
  '1250MB',
  '10 M',
  '0x100000',
  '1000000000000000',
].map((text) => [
  `the byte quantity ${JSON.stringify(text)}`,
  strategy({ bandwidthLimit: text }),
  'InvalidQuantity',
  'spec.strategy.bandwidthLimit',
]);

const bounds: readonly Case[] = [
  [
    'a downtime limit of nothing',
    strategy({ downtimeLimit: '0s' }),
    'InvalidQuantity',
    rules.downtimeLimitBounds,
  ],
  [
    'a downtime limit above an hour',
    strategy({ downtimeLimit: '1h1ms' }),
    'InvalidQuantity',
    rules.downtimeLimitBounds,
  ],
  [
    'a quiesce timeout below 10 ms',
    strategy({ quiesceTimeout: '9ms' }),
    'InvalidQuantity',
    rules.quiesceTimeoutBounds,
  ],
  [
    'a quiesce timeout of hours',
    strategy({ quiesceTimeout: '9h' }),
    'InvalidQuantity',
    rules.quiesceTimeoutBounds,
  ],
  [
    'a pre-copy timeout of nothing',
    strategy({ preCopyTimeout: '0h' }),
    'InvalidQuantity',
    rules.preCopyTimeoutBounds,
  ],
  [
    'a pre-copy timeout above a day',
    strategy({ preCopyTimeout: '99999h' }),
    'InvalidQuantity',
    rules.preCopyTimeoutBounds,
  ],
  [
    'a bandwidth that never finishes',
    strategy({ bandwidthLimit: '1250' }),
    'InvalidQuantity',
    rules.bandwidthLimitBounds,
  ],
  [
    'a bandwidth that no network has',
    strategy({ bandwidthLimit: '11T' }),
    'InvalidQuantity',
    rules.bandwidthLimitBounds,
  ],
  [
    'a bandwidth beyond counting',
    strategy({ bandwidthLimit: '999999999999999Ti' }),
    'InvalidQuantity',
    rules.bandwidthLimitBounds,
  ],
];

const choices: readonly Case[] = [
  [
    'a bandwidth that is a number',
    strategy({ bandwidthLimit: 1_250_000_000 }),
    'InvalidManifest',
    'spec.strategy.bandwidthLimit',
  ],
  ['an unknown mode', strategy({ mode: 'PostCopy' }), 'InvalidManifest', 'spec.strategy.mode'],
  [
    'an unknown deadline policy',
    strategy({ onDeadline: 'Ignore' }),
    'InvalidManifest',
    'spec.strategy.onDeadline',
  ],
  [
    'an unknown strategy field',
    strategy({ maxDowntime: '1s' }),
    'UnknownField',
    'unknown field "spec.strategy.maxDowntime"',
  ],
  ['eleven retries', spec({ recovery: { retries: 11 } }), 'InvalidManifest', 'spec.recovery.retries'],
  [
    'fewer retries than none',
    spec({ recovery: { retries: -1 } }),
    'InvalidManifest',
    'spec.recovery.retries',
  ],
  ['half a retry', spec({ recovery: { retries: 2.5 } }), 'InvalidManifest', 'spec.recovery.retries'],
  [
    'a fallback node that is the target',
    spec({ recovery: { fallbackNodeNames: ['gpu-c', 'gpu-b'] } }),
    'SameNode',
    rules.fallbackNodesDiffer,
  ],
  [
    'a fallback node that is the source',
    spec({ recovery: { fallbackNodeNames: ['gpu-a'] } }),
    'SameNode',
    rules.fallbackNodesDiffer,
  ],
  [
    'a fallback node named twice',
    spec({ recovery: { fallbackNodeNames: ['gpu-c', 'gpu-c'] } }),
    'InvalidManifest',
    'spec.recovery.fallbackNodeNames[1]: Duplicate value: "gpu-c"',
  ],
  [
    'a fallback node with capitals',
    spec({ recovery: { fallbackNodeNames: ['GPU-C'] } }),
    'InvalidManifest',
    'spec.recovery.fallbackNodeNames[0]',
  ],
  [
    'nine fallback nodes',
    spec({ recovery: { fallbackNodeNames: Array.from({ length: 9 }, (_, index) => `gpu-c${index}`) } }),
    'InvalidManifest',
    'spec.recovery.fallbackNodeNames',
  ],
  [
    'another recovery than reset',
    spec({ recovery: { onDeviceError: 'Retry' } }),
    'InvalidManifest',
    'spec.recovery.onDeviceError',
  ],
];

/** DeviceMigrations that nobody may create. The API server is to be asked with strict field validation. */
export const badManifests: readonly BadManifest[] = [
  ...whole,
  ...places,
  ...pods,
  ...durations,
  ...byteQuantities,
  ...bounds,
  ...choices,
].map(([name, manifest, code, messagePart, api]) => ({
  name,
  manifest,
  code,
  messagePart,
  ...(api === undefined ? {} : { apiMessagePart: api }),
  refusedBy: 'both',
}));
