/** What must be true of the set after each voyage, asked from the devices in the guests and from the workload. */
import type { OwnDevice } from '../../kernel/rig/own-device.ts';
import type { KernelNode } from '../../kernel/voyage/node.ts';
import { eventually } from '../../support/managed-process.ts';
import { workloadOf } from './workload.ts';

const PATIENCE_MS = 300_000;
/** Of the module's counters, those that have to stay zero. */
const LOSSES = ['lost', 'gaps', 'doubles'] as const;

const devicesOf = (node: KernelNode): OwnDevice[] => node.uuids.map((_, index) => node.own(index));

/** Every device sends to every other of the node from now on. */
export async function startTraffic(node: KernelNode): Promise<void> {
  const devices = devicesOf(node);
  const ids = await Promise.all(devices.map((device) => device.read('id')));
  for (const [index, device] of devices.entries())
    await device.write('peer', ids.filter((_, other) => other !== index).join(' '));
  for (const device of devices) await device.write('traffic', 1);
  if (!(await progresses(devices))) throw new Error(`the devices of ${node.name} send nothing`);
}

/** What is wrong when the set is to run on `home` and nothing on `other`; empty: nothing. */
export async function checkPlaces(home: KernelNode, other: KernelNode): Promise<string[]> {
  const wrong = [...(await checkRuns(home)), ...(await checkFree(other))];
  for (const { guest, name } of [home, other])
    wrong.push(...(await guest.complaints()).map((line) => `${name}: its kernel: ${line}`));
  return wrong;
}

/** What was loaded is what was saved, of the devices and of the workload. */
export async function checkDigests(from: KernelNode, to: KernelNode): Promise<string[]> {
  const [there, here] = await Promise.all([keptBy(from), keptBy(to)]);
  const [left, came] = await Promise.all([workloadOf(from), workloadOf(to)]);
  return [
    ...there.filter((digest) => NONE.test(digest)).map(() => `a device of ${from.name} never came to a stop`),
    ...different(`the devices of ${to.name}`, there, here),
    ...different(`the workload on ${to.name}`, left.frozen, came.frozen),
  ];
}

const keptBy = (node: KernelNode): Promise<string[]> =>
  Promise.all(devicesOf(node).map((device) => device.read('kept_digest')));

/** Of a device that never came to a stop, in the module's words. */
const NONE = /^0+ 0+$/u;

const different = (who: string, saved: unknown, loaded: unknown): string[] =>
  saved !== null && JSON.stringify(saved) === JSON.stringify(loaded)
    ? []
    : [`${who} did not take what was saved: ${JSON.stringify(loaded)} instead of ${JSON.stringify(saved)}`];

async function checkRuns(node: KernelNode): Promise<string[]> {
  const devices = devicesOf(node);
  const wrong: string[] = [];
  const states = await Promise.all(devices.map((device) => device.read('state')));
  for (const [index, state] of states.entries())
    if (state !== 'Running') wrong.push(`${node.name}/${index} is ${state}`);
  const { state, blank } = await workloadOf(node);
  // One that began here and never moved has said nothing.
  if (state !== null && state !== 'STATE_RUNNING') wrong.push(`the workload on ${node.name} is ${state}`);
  if (blank.length > 0)
    wrong.push(`the workload on ${node.name} was told that ${blank.join()} lost its state`);
  if (wrong.length === 0 && !(await progresses(devices)))
    wrong.push(`the set on ${node.name} does not go on with its work`);
  for (const [index, device] of devices.entries()) {
    const counters = await device.counters();
    for (const loss of LOSSES)
      if (counters[loss] !== 0) wrong.push(`${node.name}/${index}: ${loss}: ${counters[loss]}`);
  }
  return wrong;
}

/** Devices may take their time to be reset; a workload may not run here for a moment. */
async function checkFree(node: KernelNode): Promise<string[]> {
  const { state } = await workloadOf(node);
  const wrong = state === 'STATE_RUNNING' ? [`a workload is at work on ${node.name} too`] : [];
  const held = async (): Promise<string[]> => {
    const found = await Promise.all(
      devicesOf(node).map(async (device) => [await device.read('state'), await device.read('peer')] as const),
    );
    return found.flatMap(([now, peer], index) =>
      now === 'Running' && peer === '' ? [] : [`${node.name}/${index} is not free: ${now}`],
    );
  };
  const free = eventually('free devices', PATIENCE_MS, async () =>
    (await held()).length === 0 ? ([] as string[]) : null,
  );
  return [...wrong, ...(await free.catch(held))];
}

/** Every device receives more. */
async function progresses(devices: readonly OwnDevice[]): Promise<boolean> {
  const received = (): Promise<number[]> =>
    Promise.all(devices.map(async (device) => (await device.counters())['received'] ?? 0));
  const before = await received();
  return eventually('progress', PATIENCE_MS, async () =>
    (await received()).every((count, index) => count > (before[index] ?? 0)) ? true : null,
  ).catch(() => false);
}
