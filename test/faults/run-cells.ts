/** Runs cells one after the other, on one pair of nodes as long as it is as new. */
import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
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
import { finishing, startedAgain } from './start-and-finish.ts';
import type { Step } from './steps.ts';

export interface Cell {
  readonly step: Step;
  readonly fault: Fault;
}

export interface CellResult extends Cell {
  /** What is wrong; empty: it passed. */
  readonly complaints: readonly string[];
  /** How often it was run; more than once when the fault did not meet its step. */
  readonly tries: number;
  readonly seconds: number;
  readonly evidence: Evidence | null;
  /** Where the logs of a failed one are. */
  readonly logs: string | null;
}

/** How often a cell is tried whose fault did not meet its step, which is no fault of the product. */
const TRIES = 3;
const MISSED = /^the fault (struck in step|is not proved)/u;

/** Whether nothing is wrong but that the fault did not meet its step. */
export const hasMissed = (complaints: readonly string[]): boolean =>
  complaints.length > 0 && complaints.every((one) => MISSED.test(one));

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
  /** Why nodes were started once more, since {@link takeRestarts}. */
  #restarts: string[] = [];

  /** As new; a clock that can jump is as good as any other one. */
  async rig(ground: Ground): Promise<{ rig: FaultRig; idle: readonly Descriptors[]; name: string }> {
    if (ground !== this.#ground && !(ground === 'folder' && this.#ground === 'clock')) await this.discard();
    if (this.#rig === null) {
      this.#ground = ground;
      const rig = await startedAgain(
        () => this.#start(ground),
        (why) => this.#restarts.push(why),
      );
      this.#rig = rig;
      // A voyage without any fault must succeed: one that does not is a failure, and no slow start.
      this.#idle = await warmUp(rig).catch(async (error: unknown) => {
        const { complaints, logs } = await this.finish('warm-up', [(error as Error).message], null);
        throw new Error([...complaints, `logs of the warm-up: ${logs}`].join('; '), { cause: error });
      });
    }
    this.#count += 1;
    return { rig: this.#rig, idle: this.#idle, name: `m-${this.#count}` };
  }

  /** Why nodes had to be started once more since this was asked last. */
  takeRestarts(): string[] {
    return this.#restarts.splice(0);
  }

  /** After the judgement: keeps the logs and settles the nodes; what goes wrong with that is a complaint, too. */
  async finish(
    /** null: no logs are to be kept. */
    label: string | null,
    complaints: readonly string[],
    evidence: Evidence | null,
  ): Promise<{ complaints: readonly string[]; logs: string | null }> {
    return finishing(
      complaints,
      () => (label === null ? Promise.resolve(null) : this.keepLogs(label)),
      () => this.settle(evidence),
    );
  }

  /** Makes the rig what it was, or forgets it. */
  async settle(evidence: Evidence | null): Promise<void> {
    if (evidence === null && this.#ground === 'cluster') await this.#discardCluster();
    else if (evidence === null || !isAsNew(evidence)) await this.discard();
    else if (evidence.phase === 'Succeeded') this.#rig?.turnRound();
  }

  /** Copies what the programs have logged, their journals and the records as last read; returns the folder. */
  async keepLogs(label: string): Promise<string | null> {
    if (this.#rig === null) return null;
    const { directory } = this.#rig;
    const folder = join(tmpdir(), 'transship-faults', `${label}-${process.pid}`);
    const names = (await readdir(directory, { recursive: true })).filter((name) =>
      /\.(log|json|session)$/u.test(name),
    );
    await mkdir(folder, { recursive: true });
    for (const name of names) await cp(join(directory, name), join(folder, name)).catch(() => undefined);
    await writeFile(join(folder, 'records.json'), JSON.stringify(this.#rig.lastRecords, null, 2));
    await this.#rig.cluster?.keep(folder);
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

  async #start(ground: Ground): Promise<FaultRig> {
    if (ground === 'cluster') this.#cluster ??= await Cluster.start();
    const cluster = ground === 'cluster' && this.#cluster !== null ? { cluster: this.#cluster } : {};
    return FaultRig.start({ clock: ground === 'clock', ...cluster });
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
  for (let tries = 1; ; tries += 1) {
    const { rig, idle, name } = await bench.rig(groundOf(cell.fault));
    const outcome = await onCluster(rig, () => runCell(rig, name, cell, idle)).then(
      (evidence) => ({ complaints: judge(cell.step, cell.fault, evidence), evidence }),
      (error: unknown) => ({ complaints: [(error as Error).message], evidence: null }),
    );
    const again = tries < TRIES && hasMissed(outcome.complaints);
    const label = again || outcome.complaints.length === 0 ? null : `${cell.step}-${cell.fault}`;
    const finished = await bench.finish(label, outcome.complaints, outcome.evidence);
    // What goes wrong after a miss is told, not tried away.
    if (again && finished.complaints.length === outcome.complaints.length) continue;
    const seconds = (performance.now() - began) / 1000;
    return { ...cell, ...outcome, ...finished, tries, seconds };
  }
}
