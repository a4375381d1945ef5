/** What must be true of the set after each voyage, asked from the emulators. */
import type { FaultNode } from '../faults/rig/fault-node.ts';
import { eventually } from '../support/managed-process.ts';

const PATIENCE_MS = 90_000;

/** What is wrong when the set is to run on `home` and nothing on `other`; empty: nothing. */
export async function checkPlaces(home: FaultNode, other: FaultNode): Promise<string[]> {
  const wrong = [...(await checkRuns(home)), ...(await checkFree(other))];
  for (const { node, control } of [home, other])
    for (const { device, item, what } of await control.violations())
      wrong.push(`${node}/${device}: monitor: ${item}: ${what}`);
  return wrong;
}

/** What was loaded is what was saved. */
export async function checkDigests(from: FaultNode, to: FaultNode): Promise<string[]> {
  const [there, here] = await Promise.all([digestsOf(from), digestsOf(to)]);
  return there.join() === here.join()
    ? []
    : [`${to.node} did not take what ${from.node} had when it stopped`];
}

async function digestsOf({ control }: FaultNode): Promise<string[]> {
  const devices = await control.devices();
  return Promise.all(devices.map(async ({ index }) => (await control.keptDigest(index)).digest));
}

async function checkRuns(node: FaultNode): Promise<string[]> {
  const { control } = node;
  const wrong: string[] = [];
  const [devices, workload] = await Promise.all([control.devices(), control.workload()]);
  for (const { index, state, armed, submissionGaps } of devices) {
    if (state !== 'Running' || !armed)
      wrong.push(`${node.node}/${index} is ${state}${armed ? '' : ', of no set'}`);
    if (submissionGaps > 0)
      wrong.push(`${node.node}/${index}: ${submissionGaps} gaps of the workload's work`);
  }
  if (workload.phase !== 'Live' || workload.frozen || workload.refused > 0)
    wrong.push(`the workload on ${node.node} is ${workload.phase}${workload.frozen ? ', frozen' : ''}`);
  if (wrong.length > 0) return wrong;
  if (!(await progresses(node))) wrong.push(`the set on ${node.node} does not go on with its work`);
  for (const { from, to, lost, gaps, doubles } of await control.links())
    if (lost + gaps + doubles > 0)
      wrong.push(`link ${from} to ${to} on ${node.node}: ${lost} lost, ${gaps} gaps, ${doubles} doubles`);
  return wrong;
}

async function checkFree({ node, control }: FaultNode): Promise<string[]> {
  const [devices, workload] = await Promise.all([control.devices(), control.workload()]);
  const held = devices.filter(({ state, armed }) => state !== 'Running' || armed);
  return [
    ...held.map(({ index, state }) => `${node}/${index} is not free: ${state}`),
    ...(workload.phase === 'Live' ? [`a workload is at work on ${node} too`] : []),
  ];
}

/** Every link delivers more, and the workload posts more work to every device. */
async function progresses({ control }: FaultNode): Promise<boolean> {
  const counts = async (): Promise<number[]> => [
    ...(await control.links()).map(({ received }) => received),
    ...(await control.workload()).submissions,
  ];
  const before = await counts();
  return eventually('progress', PATIENCE_MS, async () =>
    (await counts()).every((count, index) => count > (before[index] ?? 0)) ? true : null,
  ).catch(() => false);
}
