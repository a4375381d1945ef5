/**
 * Two nodes and an operator as processes, with everything between them in the hands of the test: what the matrix of
 * faults, and whoever soaks, runs on.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeviceMigrationManifest } from '@transship/crds';
import { issueTestPki } from '../../support/certificates.ts';
import { eventually, type ManagedProcess } from '../../support/managed-process.ts';
import { migrationManifest, type ManifestOptions } from '../../support/migration-manifest.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { operatorLogFile, type Door, type MigrationRecord } from './door.ts';
import { DEVICES, FaultNode } from './fault-node.ts';
import type { FaultProxy } from './fault-proxy.ts';
import { FolderDoor } from './folder-door.ts';
import { folderPrefix } from './folders.ts';
import { WallClock } from './wall-clock.ts';

const NODES = ['gpu-a', 'gpu-b'] as const;
const PATIENCE_MS = 120_000;
/** Records that are remembered for whoever looks into a failure. */
const RECORDS = 4;

export interface FaultRigOptions {
  /** Starts operator and agents on a wall clock that can jump; needs Debian's libfaketime. */
  readonly clock?: boolean;
  /** Has the operator work on this cluster; default: on a folder of manifests. */
  readonly cluster?: Cluster;
}

interface Parts {
  readonly directory: string;
  readonly nodes: readonly [FaultNode, FaultNode];
  readonly clock: WallClock | null;
  readonly cluster: Cluster | null;
  readonly door: Door;
}

export class FaultRig implements AsyncDisposable {
  readonly directory: string;
  readonly nodes: readonly [FaultNode, FaultNode];
  /** null: real time. */
  readonly clock: WallClock | null;
  /** null: migrations are in a folder. */
  readonly cluster: Cluster | null;
  readonly #door: Door;
  /** Index of the node where the set is. */
  #home = 0;
  #operators = 0;
  #operator: ManagedProcess;
  /** Every operator, those that have ended too. */
  readonly #started: ManagedProcess[] = [];
  #starting: Promise<void> | null = null;
  readonly #seen = new Map<string, MigrationRecord>();

  private constructor({ directory, nodes, clock, cluster, door }: Parts, operator: ManagedProcess) {
    this.directory = directory;
    this.nodes = nodes;
    this.clock = clock;
    this.cluster = cluster;
    this.#door = door;
    this.#operator = operator;
    this.#started.push(operator);
  }

  static async start(options: FaultRigOptions = {}): Promise<FaultRig> {
    await using stack = new AsyncDisposableStack();
    const directory = await mkdtemp(folderPrefix());
    stack.defer(() => rm(directory, { recursive: true, force: true }));
    const pki = await issueTestPki(join(directory, 'pki'), NODES);
    const clock = options.clock === true ? await WallClock.in(join(directory, 'clock')) : null;
    const env = clock?.env ?? {};
    const started = await Promise.allSettled(
      NODES.map((node, index) =>
        FaultNode.start({ directory, node, pki, seed: index + 1, busy: index === 0, env }),
      ),
    );
    // One that started is ended when the other did not.
    for (const one of started) if (one.status === 'fulfilled') stack.use(one.value);
    const [first, second] = started.map((one) => {
      if (one.status === 'rejected') throw one.reason;
      return one.value;
    });
    if (first === undefined || second === undefined) throw new Error('two nodes were to be started');
    const nodes = [first, second] as const;
    const agents = nodes.map(({ node, front }) => ({ node, endpoint: front.endpoint }));
    const { cluster = null } = options;
    const doorOptions = { directory, tls: pki.operator, agents, env };
    const door = cluster === null ? new FolderDoor(doorOptions) : await cluster.door(doorOptions);
    const operator = stack.adopt(await door.startOperator(0), (it) => it.kill());
    const rig = new FaultRig({ directory, nodes, clock, cluster, door }, operator);
    await eventually('traffic on the source', PATIENCE_MS, async () =>
      (await rig.source.control.links()).every(({ received }) => received > 0) ? true : null,
    );
    stack.move();
    return rig;
  }

  /** Where the set is. */
  get source(): FaultNode {
    return this.nodes[this.#home === 0 ? 0 : 1];
  }

  get target(): FaultNode {
    return this.nodes[this.#home === 0 ? 1 : 0];
  }

  get operator(): ManagedProcess {
    return this.#operator;
  }

  get proxies(): readonly FaultProxy[] {
    return this.nodes.flatMap(({ front, transfer }) => [front, transfer]);
  }

  /** The set is on the other node from now on. */
  turnRound(): void {
    this.#home = 1 - this.#home;
  }

  /** Another operator on the same migrations, with a log of its own; it waits until it may work. */
  async startSecondOperator(): Promise<ManagedProcess> {
    this.#operators += 1;
    const operator = await this.#door.startOperator(this.#operators);
    this.#started.push(operator);
    return operator;
  }

  /** From now on this one is the operator; the former has ended. */
  succeed(operator: ManagedProcess): void {
    this.#operator = operator;
  }

  /** Starts an operator after the last one has ended somehow; one for all who ask at the same time. */
  startOperatorAgain(): Promise<void> {
    this.#starting ??= this.#startAgain().finally(() => (this.#starting = null));
    return this.#starting;
  }

  /** What all operators have logged, one after the other. */
  async operatorLog(): Promise<string> {
    const numbers = Array.from({ length: this.#operators + 1 }, (_, number) => number);
    const logs = await Promise.all(
      numbers.map((number) => readFile(operatorLogFile(this.directory, number), 'utf8').catch(() => '')),
    );
    // One that was killed may have been cut off in a line.
    return logs.join('\n');
  }

  /** Asks for a migration of the whole set. */
  async apply(
    name: string,
    strategy: NonNullable<ManifestOptions['strategy']>,
    recovery?: DeviceMigrationManifest['spec']['recovery'],
  ): Promise<void> {
    const manifest = migrationManifest(name, {
      devices: DEVICES,
      from: this.source.node,
      to: this.target.node,
      strategy,
      ...(recovery === undefined ? {} : { recovery }),
    });
    await this.#door.apply(manifest);
  }

  /** Asks for the migration's end; one that is gone already is fine. */
  remove(name: string): Promise<void> {
    return this.#door.remove(name);
  }

  /** Whether the migration is still asked for. */
  isApplied(name: string): Promise<boolean> {
    return this.#door.isApplied(name);
  }

  /** null: there is no such migration, or no more. */
  async record(name: string): Promise<MigrationRecord | null> {
    const record = await this.#door.record(name);
    if (record === null) return null;
    this.#seen.delete(name);
    this.#seen.set(name, record);
    for (const oldest of this.#seen.keys()) {
      if (this.#seen.size <= RECORDS) break;
      this.#seen.delete(oldest);
    }
    return record;
  }

  /** The newest records by name, as they were read last: those that are gone, too. */
  get lastRecords(): Readonly<Record<string, MigrationRecord>> {
    return Object.fromEntries(this.#seen);
  }

  /** The phase in which a migration ended, also when its record is gone; null: it has not ended. */
  async endOf(migration: { readonly name: string; readonly uid: string }): Promise<string | null> {
    return this.#door.endOf(migration, await this.operatorLog());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#started.map((operator) => operator.kill()));
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
    await rm(this.directory, { recursive: true, force: true });
  }

  async #startAgain(): Promise<void> {
    if (!this.#operator.running) this.#operator = await this.startSecondOperator();
  }
}
