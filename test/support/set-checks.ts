/** What must be true of a set when a migration has ended, asked from the emulators. */
import { expect } from '@jest/globals';
import type { EmulatedLink } from './emulator-control.ts';
import { eventually } from './managed-process.ts';
import type { TestNode } from './test-node.ts';
import type { Status, TwoNodes } from './two-nodes.ts';

const PATIENCE_MS = 60_000;

/** Links of one set; `set` is as `setOf` gives it. */
const linksOf = async ({ control }: TestNode, set: string): Promise<readonly EmulatedLink[]> =>
  (await control.links()).filter((link) => link.set === set);

/** The set that a device belongs to now. */
export async function setOf({ control }: TestNode, device: number): Promise<string> {
  const found = (await control.devices())[device];
  if (found === undefined || !found.armed) throw new Error(`device ${device} belongs to no set`);
  return found.set;
}

/**
 * Every link of the set has delivered more than when this was called; none has lost, skipped or doubled. `without`: the
 * slot of a device that is not of the set any more.
 */
export async function expectTraffic(node: TestNode, set: string, without = -1): Promise<void> {
  const links = async (): Promise<readonly EmulatedLink[]> =>
    (await linksOf(node, set)).filter(({ from, to }) => from !== without && to !== without);
  const before = await links();
  expect(before).not.toEqual([]);
  const after = await eventually(`more traffic on ${node.node}`, PATIENCE_MS, async () => {
    const now = await links();
    return now.every(({ received }, index) => received > (before[index]?.received ?? 0)) ? now : null;
  });
  const faults = after.filter(({ lost, gaps, doubles }) => lost + gaps + doubles > 0);
  expect(faults).toEqual([]);
}

export interface SetPlace {
  readonly devices: readonly number[];
  /** Workload that drives it; default 0. */
  readonly group?: number;
}

/** The set runs here: all devices Running, work is posted and done, the peers' traffic flows and nothing was lost. */
export async function expectSetRuns(node: TestNode, { devices, group = 0 }: SetPlace): Promise<void> {
  const { control } = node;
  const found = await control.devices();
  expect(devices.map((index) => found[index]?.state)).toEqual(devices.map(() => 'Running'));
  const sets = await Promise.all(devices.map((index) => setOf(node, index)));
  expect(new Set(sets).size).toBe(1);
  if (devices.length > 1) await expectTraffic(node, sets[0] ?? '');
  const before = await control.workload(group);
  expect(before).toMatchObject({ phase: 'Live', frozen: false, refused: 0 });
  await eventually(`work on ${node.node}`, PATIENCE_MS, async () => {
    const now = await control.workload(group);
    return now.submissions.every((count, slot) => count > (before.submissions[slot] ?? 0)) ? true : null;
  });
  const gaps = (await control.devices()).filter((_, index) => devices.includes(index));
  expect(gaps.map(({ submissionGaps }) => submissionGaps)).toEqual(devices.map(() => 0));
}

/** Nothing of a set is left here: every device is reset, belongs to no set and can be handed out. */
export async function expectIdle(node: TestNode, { devices }: SetPlace): Promise<void> {
  const found = await node.control.devices();
  for (const index of devices) expect(found[index]).toMatchObject({ state: 'Running', armed: false });
}

/** Nobody has broken a rule of the protocol that a device can see. */
export async function expectNoViolations(nodes: TwoNodes): Promise<void> {
  expect(await nodes.violations()).toEqual([]);
}

/** The set is on the target with the state it had, nothing was lost on the way, and the source is free. */
export async function expectSetMoved(nodes: TwoNodes, devices: readonly number[]): Promise<void> {
  expect(await nodes.digests(nodes.target, devices)).toEqual(await nodes.digests(nodes.source, devices));
  await expectSetRuns(nodes.target, { devices });
  await expectIdle(nodes.source, { devices });
  await expectNoViolations(nodes);
}

/** The migration has ended well, and so has the set. */
export async function expectMoved(
  nodes: TwoNodes,
  name: string,
  devices: readonly number[],
): Promise<Status> {
  expect((await nodes.ended(name)).phase).toBe('Succeeded');
  await expectSetMoved(nodes, devices);
  return nodes.waitFor(name, 'the record', ({ phase }) => phase === 'Succeeded');
}
