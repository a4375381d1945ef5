import { expect, test } from '@jest/globals';
import type { DeviceMigrationManifest, ErrorCode } from '@transship/crds';
import { migrationManifest } from '../support/migration-manifest.ts';
import { expectNoViolations, expectSetRuns } from '../support/set-checks.ts';
import type { TwoNodesOptions } from '../support/test-node.ts';
import { TwoNodes } from '../support/two-nodes.ts';

type Look = { readonly resets: number[]; readonly states: string[] };

/** What a migration that touched a device would have changed. */
const look = (nodes: TwoNodes): Promise<Look[]> =>
  Promise.all(
    nodes.nodes.map(async (node) => ({ resets: await node.resets(), states: await node.states() })),
  );

type Spec = DeviceMigrationManifest['spec'];

/** The manifest of devices 0 and 1 with parts of its spec replaced, by what the types forbid as well. */
function changed(
  name: string,
  change: { [part in keyof Spec]?: unknown } & Record<string, unknown>,
): unknown {
  const manifest = migrationManifest(name, { devices: [0, 1] });
  return { ...manifest, spec: { ...manifest.spec, ...change } };
}

const source = (devices: readonly string[]): { source: unknown } => ({
  source: { nodeName: 'gpu-a', devices },
});
const target = (devices: readonly string[]): { target: unknown } => ({
  target: { nodeName: 'gpu-b', devices },
});
const strategy = (parts: Record<string, string>): { strategy: unknown } => ({ strategy: parts });

const CASES: readonly [
  what: string,
  change: Parameters<typeof changed>[1],
  code: ErrorCode,
  sentence: RegExp,
][] = [
  ['names the source as its target', { target: { nodeName: 'gpu-a' } }, 'SameNode', /node/u],
  ['lists a device twice', source(['gpu-a/0', 'gpu-a/0']), 'DuplicateDevice', /gpu-a\/0/u],
  ['lists no device', source([]), 'NoDevices', /devices/u],
  ['has a field that nobody knows', { priority: 3 }, 'UnknownField', /priority/u],
  ['names a pod', { source: { nodeName: 'gpu-a', podName: 'trainer-0' } }, 'PodNameUnsupported', /podName/u],
  ['has a limit of nothing', strategy({ bandwidthLimit: '0' }), 'InvalidQuantity', /bandwidthLimit/u],
  [
    'has a limit beyond all links',
    strategy({ bandwidthLimit: '900E' }),
    'InvalidQuantity',
    /bandwidthLimit/u,
  ],
  ['has a negative timeout', strategy({ quiesceTimeout: '-1s' }), 'InvalidQuantity', /quiesceTimeout/u],
  ['has a timeout without a unit', strategy({ quiesceTimeout: '20' }), 'InvalidQuantity', /quiesceTimeout/u],
  [
    'has a timeout of a century',
    strategy({ preCopyTimeout: '876000h' }),
    'InvalidQuantity',
    /preCopyTimeout/u,
  ],
  ['names a device that does not exist', source(['gpu-a/0', 'gpu-a/9']), 'DeviceNotFound', /gpu-a\/9/u],
  [
    'names a target device that does not exist',
    target(['gpu-b/0', 'gpu-b/9']),
    'DeviceNotFound',
    /gpu-b\/9/u,
  ],
  [
    'names a device without NDMA in a set of two',
    source(['gpu-a/0', 'gpu-a/2']),
    'NoPeerToPeerQuiesce',
    /gpu-a\/2/u,
  ],
  [
    'is paired with a device without NDMA',
    target(['gpu-b/0', 'gpu-b/2']),
    'NoPeerToPeerQuiesce',
    /gpu-b\/2/u,
  ],
  ['leaves out a device of its workload', source(['gpu-a/0']), 'SetIncomplete', /gpu-a\/1/u],
  ['names a device without RESET', source(['gpu-a/0', 'gpu-a/3']), 'ResetUnsupported', /gpu-a\/3/u],
  ['is paired with a device without RESET', target(['gpu-b/3', 'gpu-b/0']), 'ResetUnsupported', /gpu-b\/3/u],
];

test('manifests that cannot be carried out are refused before any device is touched', async () => {
  // Devices 0 and 1 of both nodes fit and are those of one workload, 2 has no NDMA, 3 no RESET.
  const odd = ['--no-ndma', '2', '--no-reset', '3'];
  await using nodes = await TwoNodes.start({ group: 2, source: odd, target: odd });
  const untouched = await look(nodes);
  const names = CASES.map((_, index) => `case-${index}`);
  await Promise.all(
    CASES.map(([, change], index) =>
      nodes.applyDocument(names[index] ?? '', changed(`case-${index}`, change)),
    ),
  );
  for (const [index, [what, , code, sentence]] of CASES.entries()) {
    const ended = await nodes.waitFor(`case-${index}`, what, ({ completedAt }) => completedAt !== undefined);
    const { phase, decision, error, conditions } = ended;
    const stalled = conditions.find(({ type }) => type === 'Stalled');
    expect({ what, phase, decision, code: error?.code, stalled }).toMatchObject({
      what,
      phase: 'Rejected',
      decision: { value: 'Undecided' },
      code,
      stalled: { status: 'True', reason: code, message: error?.message },
    });
    expect(error?.message).toMatch(sentence);
  }
  expect(await look(nodes)).toEqual(untouched);
  await expectSetRuns(nodes.source, { devices: [0, 1] });
  await expectSetRuns(nodes.source, { devices: [2, 3], group: 1 });
  await expectNoViolations(nodes);
});

test.each<[string, TwoNodesOptions, ErrorCode, RegExp]>([
  ['are another model', { target: ['--device-id', '7474'] }, 'PairingImpossible', /model/u],
  ['have a smaller migration region', { target: ['--window', '2M'] }, 'RegionSizeMismatch', /region of/u],
])('a set is not moved to devices that %s', async (_what, options, code, sentence) => {
  await using nodes = await TwoNodes.start({ devices: 2, ...options });
  const untouched = await look(nodes);
  await nodes.apply('misfit', { devices: [0, 1] });
  const { phase, error } = await nodes.waitFor('misfit', 'the end', (one) => one.completedAt !== undefined);
  expect({ phase, code: error?.code }).toEqual({ phase: 'Rejected', code });
  expect(error?.message).toMatch(sentence);
  expect(await look(nodes)).toEqual(untouched);
  await expectSetRuns(nodes.source, { devices: [0, 1] });
  await expectNoViolations(nodes);
});

test('a device that is being moved is refused to another migration', async () => {
  await using nodes = await TwoNodes.start({ devices: 2 });
  const letGo = await nodes.source.holdQuiet(0);
  await nodes.apply('first', { devices: [0, 1] });
  await nodes.waitFor('first', 'pre-copy', ({ phase }) => phase === 'PreCopy');
  await nodes.apply('second', { devices: [1] });
  const { phase, error } = await nodes.waitFor('second', 'the end', (one) => one.completedAt !== undefined);
  expect({ phase, code: error?.code }).toEqual({ phase: 'Rejected', code: 'DeviceBusy' });
  expect(error?.message).toContain(await nodes.uid('first'));
  await nodes.delete('first');
  expect((await nodes.ended('first')).phase).toBe('Aborted');
  await letGo();
  await expectSetRuns(nodes.source, { devices: [0, 1] });
  await expectNoViolations(nodes);
});

test('a set is not moved onto devices that another workload uses', async () => {
  await using nodes = await TwoNodes.start({ devices: 2, target: ['--traffic', 'on'] });
  const untouched = await look(nodes);
  await nodes.apply('taken', { devices: [0, 1] });
  const status = await nodes.waitFor('taken', 'the end', (one) => one.completedAt !== undefined);
  expect({ phase: status.phase, code: status.error?.code }).toEqual({ phase: 'Failed', code: 'DeviceBusy' });
  expect(await look(nodes)).toEqual(untouched);
  await expectSetRuns(nodes.source, { devices: [0, 1] });
  await expectSetRuns(nodes.target, { devices: [0, 1] });
  await expectNoViolations(nodes);
});
