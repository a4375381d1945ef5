/** Collects what is known from outside of a migration that has ended. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Role } from '@transship/node-agent/contract';
import { eventually } from '../support/managed-process.ts';
import { UNKNOWN_DIGEST, type Evidence, type SideEvidence } from './evidence.ts';
import { decisionOf } from './logs.ts';
import { connectionsOf, descriptorsBeyond, descriptorsOf } from './rig/descriptors.ts';
import type { FaultNode } from './rig/fault-node.ts';
import type { FaultRig } from './rig/fault-rig.ts';
import { strayProcesses } from './rig/processes.ts';
import type { Watch } from './rig/watch.ts';

const PATIENCE_MS = 60_000;
/** How long something that must not be there may take to go: agents take 30 to 60 s to give up a silent socket. */
const LINGER_MS = 90_000;
const COLLECT_EVERY_MS = 2_000;

/** By pid of an agent that has nothing to do. */
export type Descriptors = ReadonlyMap<string, number>;

export async function gather(
  rig: FaultRig,
  watch: Watch,
  facts: Pick<Evidence, 'bothRan' | 'proof' | 'keptMs' | 'settled'>,
  /** Digests of a source that had stopped already when the fault struck: a server that dies takes them along. */
  stopped: readonly string[] | null,
): Promise<Omit<Evidence, 'leftovers'>> {
  const log = await rig.operatorLog();
  const { status } = await watch.record();
  const phase = (await rig.endOf(watch)) ?? status.phase;
  const [source, target] = await Promise.all([
    sideOf(rig.source, watch, 'source'),
    sideOf(rig.target, watch, 'target'),
  ]);
  return {
    ...facts,
    phase,
    // A deleted object is gone with its last words; its event told why.
    code: phase === 'Aborted' ? 'Cancelled' : (status.error?.code ?? null),
    decision: decisionOf(log, watch.uid) ?? status.decision.value,
    conditions: status.conditions.filter(({ status: is }) => is === 'True').map(({ type }) => type),
    source: stopped === null ? source : { ...source, digests: stopped },
    target,
  };
}

/** Of every device when it last stopped or took what it had loaded. */
export async function digestsOf({ control }: FaultNode): Promise<string[]> {
  const devices = await control.devices();
  const kept = devices.map(({ index }) =>
    control.keptDigest(index).then(
      ({ digest }) => digest,
      () => UNKNOWN_DIGEST,
    ),
  );
  return Promise.all(kept);
}

async function sideOf(node: FaultNode, watch: Watch, role: Role): Promise<SideEvidence> {
  const { control } = node;
  const [devices, described, workload, violations] = await Promise.all([
    control.devices(),
    node.describe(),
    control.workload(),
    control.violations(),
  ]);
  const isAtWork =
    workload.phase === 'Live' &&
    !workload.frozen &&
    devices.every(({ state, armed }) => state === 'Running' && armed);
  const progresses = isAtWork && (await makesProgress(node));
  const links = await control.links();
  const sum = (of: (link: (typeof links)[number]) => number): number =>
    links.reduce((total, link) => total + of(link), 0);
  const digests = await digestsOf(node);
  return {
    node: node.node,
    phase: watch.session(role)?.phase ?? null,
    devices: devices.map(({ index, state, armed }) => {
      const id = `${node.node}/${index}`;
      const health = described.devices.find((device) => device.id === id)?.health;
      return { id, state, armed, withheld: health === 'Quarantined' };
    }),
    workload: { phase: workload.phase, frozen: workload.frozen, refused: workload.refused },
    progresses,
    digests,
    lost: sum(({ lost }) => lost),
    gaps: sum(({ gaps }) => gaps),
    doubles: sum(({ doubles }) => doubles),
    submissionGaps: devices.reduce((total, { submissionGaps }) => total + submissionGaps, 0),
    violations: violations.map(({ device, item, what }) => `device ${device}: ${item}: ${what}`),
  };
}

/** Every link delivers more, and the workload posts more work to every device. */
async function makesProgress({ control }: FaultNode): Promise<boolean> {
  const counts = async (): Promise<number[]> => [
    ...(await control.links()).map(({ received }) => received),
    ...(await control.workload()).submissions,
  ];
  const before = await counts();
  return eventually('progress', PATIENCE_MS, async () => {
    const now = await counts();
    return now.length > 0 && now.every((count, index) => count > (before[index] ?? 0)) ? true : null;
  }).catch(() => false);
}

/** What is still there of a migration that is over; asked again until it is gone or has lingered for too long. */
export async function leftovers(
  rig: FaultRig,
  watch: Watch,
  idle: readonly Descriptors[],
  /** An object that waits for a person keeps its record. */
  mayStay: boolean,
): Promise<string[]> {
  const until = Date.now() + LINGER_MS;
  let collectedAt = 0;
  for (;;) {
    const found = [
      ...(mayStay ? [] : await gone(rig, watch)),
      ...(await temporaryFiles(rig)),
      ...(await strayProcesses(rig)),
      ...(await descriptors(rig, idle)),
    ];
    if (found.length === 0 || Date.now() > until) return found;
    if (Date.now() - collectedAt > COLLECT_EVERY_MS) {
      for (const node of rig.nodes) node.collectGarbage();
      collectedAt = Date.now();
    }
    await delay(50);
  }
}

async function gone(rig: FaultRig, watch: Watch): Promise<string[]> {
  const record = await rig.record(watch.name);
  return record === null
    ? []
    : [`the record of ${watch.name}, finalizers ${record.metadata.finalizers.join()}`];
}

async function temporaryFiles(rig: FaultRig): Promise<string[]> {
  const folders = [
    join(rig.directory, 'manifests', '.transship'),
    ...rig.nodes.map(({ disk }) => disk.directory),
  ];
  const names = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(folder, { recursive: true }).catch(() => [])).map((name) => join(folder, name)),
    ),
  );
  return names.flat().filter((name) => name.endsWith('.tmp') || name.endsWith('.part'));
}

async function descriptors(rig: FaultRig, idle: readonly Descriptors[]): Promise<string[]> {
  const all = rig.nodes.map(async ({ agent, node, transfer }, index) => {
    const before = idle[index];
    if (before === undefined) return [];
    const now = await descriptorsOf(agent.process.pid);
    const beyond = descriptorsBeyond(before, now);
    if (beyond.length === 0) return [];
    const open = (await connectionsOf(agent.process.pid)).join(', ');
    return [`agent ${node}: ${beyond.join(', ')}; transfer ${transfer.endpoint}; connections ${open}`];
  });
  return (await Promise.all(all)).flat();
}
