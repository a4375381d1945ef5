/** Runs cells one after the other, on one pair of nodes as long as it is as new. */
import { cp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCell } from './cell.ts';
import { isClusterFault } from './cluster/cluster-faults.ts';
import { Cluster } from './cluster/cluster.ts';
import { onCluster } from './cluster/gather-facts.ts';
import type { Evidence } from './evidence.ts';
import type { Fault } from './faults.ts';
import type { Descriptors } from './gather.ts';
import { judge } from './judge.ts';
import { descriptorsOf } from './rig/descriptors.ts';
import { FaultRig } from './rig/fault-rig.ts';
import { Watch } from './rig/watch.ts';
import type { Step } from './steps.ts';

export interface Cell {
  readonly step: Step;
  readonly fault: Fault;
}

export interface CellResult extends Cell {
  /** What is wrong; empty: it passed. */
  readonly complaints: readonly string[];
  readonly seconds: number;
  readonly evidence: Evidence | null;
  /** Where the logs of a failed one are. */
  readonly logs: string | null;
}

/** How often a cell is tried whose fault did not meet its step, which is no fault of the product. */
const TRIES = 3;
const MISSED = /^the fault (struck in step|is not proved)/u;

/** What the operator works on: a folder of manifests, the same on a clock that can jump, or a cluster. */
export type Ground = 'folder' | 'clock' | 'cluster';

export const groundOf = (fault: Fault): Ground => {
  if (fault === 'clock-jumped') return 'clock';
  return isClusterFault(fault) ? 'cluster' : 'folder';
};

/** A pair of nodes that is used as long as nothing is broken in it. */
export class Bench implements AsyncDisposable {
  #rig: FaultRig | null = null;
  #ground: Ground = 'folder';
  /** Started once for all cells that need one. */
  #cluster: Cluster | null = null;
  #idle: readonly Descriptors[] = [];
  #count = 0;
  /** Rigs that were started. */
  rigs = 0;

  /** As new; a clock that can jump is as good as any other one. */
  async rig(ground: Ground): Promise<{ rig: FaultRig; idle: readonly Descriptors[]; name: string }> {
    if (ground !== this.#ground && !(ground === 'folder' && this.#ground === 'clock')) await this.discard();
    if (this.#rig === null) {
      this.#ground = ground;
      const clock = ground === 'clock';
      if (ground === 'cluster') this.#cluster ??= await Cluster.start();
      const cluster = ground === 'cluster' && this.#cluster !== null ? { cluster: this.#cluster } : {};
      this.#rig = await FaultRig.start({ clock, ...cluster });
      this.rigs += 1;
      this.#idle = await warmUp(this.#rig).catch(async (error: unknown) => {
        await this.discard();
        throw error;
      });
    }
    this.#count += 1;
    return { rig: this.#rig, idle: this.#idle, name: `m-${this.#count}` };
  }

  /** Makes the rig what it was, or forgets it. */
  async settle(evidence: Evidence | null): Promise<void> {
    if (evidence === null && this.#ground === 'cluster') await this.#discardCluster();
    else if (evidence === null || !isAsNew(evidence)) await this.discard();
    else if (evidence.phase === 'Succeeded') this.#rig?.turnRound();
  }

  /** Copies what the programs have logged; returns the folder. */
  async keepLogs(label: string): Promise<string | null> {
    if (this.#rig === null) return null;
    const { directory } = this.#rig;
    const folder = join(tmpdir(), 'transship-faults', `${label}-${process.pid}`);
    const names = (await readdir(directory, { recursive: true })).filter((name) =>
      /\.(log|json|session)$/u.test(name),
    );
    for (const name of names) await cp(join(directory, name), join(folder, name)).catch(() => undefined);
    return folder;
  }

  async discard(): Promise<void> {
    const rig = this.#rig;
    this.#rig = null;
    await rig?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#discardCluster();
  }

  /** Nobody knows in what state a cell that broke off has left it. */
  async #discardCluster(): Promise<void> {
    await this.discard();
    const cluster = this.#cluster;
    this.#cluster = null;
    await cluster?.[Symbol.asyncDispose]();
  }
}

/** The set runs on one side and the other is free, and no fault was given that changes what comes next. */
const isAsNew = ({ phase, source, target, leftovers }: Evidence): boolean => {
  const [busy, free] = phase === 'Succeeded' ? [target, source] : [source, target];
  return (
    leftovers.length === 0 &&
    busy.progresses &&
    busy.lost + busy.gaps + busy.doubles + busy.submissionGaps === 0 &&
    [...busy.devices, ...free.devices].every(({ state, withheld }) => state === 'Running' && !withheld) &&
    free.devices.every(({ armed }) => !armed) &&
    busy.violations.length + free.violations.length === 0
  );
};

/** A migration without any fault: every connection exists afterwards that the programs keep. */
async function warmUp(rig: FaultRig): Promise<readonly Descriptors[]> {
  await rig.apply('warm-up', { quiesceTimeout: '5m' });
  await using watch = await Watch.of(rig, 'warm-up');
  await watch.until('the warm-up', async () => (await watch.record()).status.completedAt !== undefined);
  const { phase, error } = (await watch.record()).status;
  if (phase !== 'Succeeded')
    throw new Error(`the warm-up ended as ${phase}: ${error?.message ?? 'no error'}`);
  await rig.remove('warm-up');
  await watch.until('its record is gone', async () => (await rig.record('warm-up')) === null);
  rig.turnRound();
  // The harness has a connection of its own to each agent, whether or not it was made in time for the warm-up.
  await Promise.all(rig.nodes.map((node) => node.describe()));
  return Promise.all(rig.nodes.map(({ agent }) => descriptorsOf(agent.process.pid)));
}

/** Runs one cell and judges it. */
export async function tryCell(bench: Bench, cell: Cell): Promise<CellResult> {
  const began = performance.now();
  let last: Omit<CellResult, 'seconds'> = {
    ...cell,
    complaints: ['it did not run'],
    evidence: null,
    logs: null,
  };
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const { rig, idle, name } = await bench.rig(groundOf(cell.fault));
    last = await onCluster(rig, () => runCell(rig, name, cell, idle)).then(
      (evidence) => ({ ...cell, complaints: judge(cell.step, cell.fault, evidence), evidence, logs: null }),
      (error: unknown) => ({ ...cell, complaints: [(error as Error).message], evidence: null, logs: null }),
    );
    if (last.complaints.length > 0)
      last = { ...last, logs: await bench.keepLogs(`${cell.step}-${cell.fault}`) };
    await bench.settle(last.evidence);
    if (last.complaints.length === 0 || !last.complaints.every((one) => MISSED.test(one))) break;
  }
  return { ...last, seconds: (performance.now() - began) / 1000 };
}
