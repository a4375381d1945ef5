/**
 * Two nodes and an operator as processes, with everything between them in the hands of the test: what the matrix of
 * faults, and whoever soaks, runs on.
 */
import { access, mkdtemp, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeviceMigrationManifest, DeviceMigrationStatus } from '@transship/crds';
import { issueTestPki, type TestPki } from '../../support/certificates.ts';
import { eventually, type ManagedProcess } from '../../support/managed-process.ts';
import { migrationManifest, type ManifestOptions } from '../../support/migration-manifest.ts';
import { startOperator } from '../../support/processes.ts';
import { DEVICES, FaultNode } from './fault-node.ts';
import type { FaultProxy } from './fault-proxy.ts';
import { WallClock } from './wall-clock.ts';

const NODES = ['gpu-a', 'gpu-b'] as const;
const PATIENCE_MS = 120_000;

export interface FaultRigOptions {
  /** Starts operator and agents on a wall clock that can jump; needs Debian's libfaketime. */
  readonly clock?: boolean;
}

/** One migration as the folder holds it. */
export interface MigrationRecord {
  readonly metadata: {
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly finalizers: readonly string[];
  };
  readonly status: DeviceMigrationStatus;
}

interface Parts {
  readonly directory: string;
  readonly pki: TestPki;
  readonly nodes: readonly [FaultNode, FaultNode];
  readonly clock: WallClock | null;
}

export class FaultRig implements AsyncDisposable {
  readonly directory: string;
  readonly nodes: readonly [FaultNode, FaultNode];
  /** null: real time. */
  readonly clock: WallClock | null;
  readonly #pki: TestPki;
  /** Index of the node where the set is. */
  #home = 0;
  #operators = 0;
  #operator: ManagedProcess;

  private constructor({ directory, pki, nodes, clock }: Parts, operator: ManagedProcess) {
    this.directory = directory;
    this.nodes = nodes;
    this.clock = clock;
    this.#pki = pki;
    this.#operator = operator;
  }

  static async start(options: FaultRigOptions = {}): Promise<FaultRig> {
    await using stack = new AsyncDisposableStack();
    const directory = await mkdtemp(join(tmpdir(), 'ts-faults-'));
    stack.defer(() => rm(directory, { recursive: true, force: true }));
    const pki = await issueTestPki(join(directory, 'pki'), NODES);
    const clock = options.clock === true ? await WallClock.in(join(directory, 'clock')) : null;
    const env = clock?.env ?? {};
    const [first, second] = await Promise.all(
      NODES.map((node, index) =>
        FaultNode.start({ directory, node, pki, seed: index + 1, busy: index === 0, env }),
      ),
    );
    if (first === undefined || second === undefined) throw new Error('two nodes were to be started');
    stack.use(first);
    stack.use(second);
    const nodes = [first, second] as const;
    const operator = await startOperator(operatorOptions({ directory, pki, nodes, clock }, 0));
    stack.move();
    const rig = new FaultRig({ directory, pki, nodes, clock }, operator);
    await eventually('traffic on the source', PATIENCE_MS, async () =>
      (await rig.source.control.links()).every(({ received }) => received > 0) ? true : null,
    );
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

  /** Another operator on the same folder, with a log of its own; it waits until it may work. */
  async startSecondOperator(): Promise<ManagedProcess> {
    this.#operators += 1;
    const parts = { directory: this.directory, pki: this.#pki, nodes: this.nodes, clock: this.clock };
    return startOperator(operatorOptions(parts, this.#operators));
  }

  /** From now on this one is the operator; the former has ended. */
  succeed(operator: ManagedProcess): void {
    this.#operator = operator;
  }

  /** Starts an operator after the last one has ended somehow. */
  async startOperatorAgain(): Promise<void> {
    this.#operator = await this.startSecondOperator();
  }

  /** What all operators have logged, one after the other. */
  async operatorLog(): Promise<string> {
    const numbers = Array.from({ length: this.#operators + 1 }, (_, number) => number);
    const logs = await Promise.all(
      numbers.map((number) => readFile(operatorLogFile(this.directory, number), 'utf8').catch(() => '')),
    );
    return logs.join('');
  }

  /** Puts a manifest for the whole set into the folder, whole from the first moment on. */
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
    const file = this.#manifest(name);
    await writeFile(`${file}.part`, JSON.stringify(manifest, null, 2));
    await rename(`${file}.part`, file);
  }

  /** Takes the manifest away, which asks for the migration's end; one that is gone already is fine. */
  async remove(name: string): Promise<void> {
    await unlink(this.#manifest(name)).catch(() => undefined);
  }

  /** Whether the manifest is in the folder. */
  async isApplied(name: string): Promise<boolean> {
    return access(this.#manifest(name)).then(
      () => true,
      () => false,
    );
  }

  /** null: there is no such migration, or no more. */
  async record(name: string): Promise<MigrationRecord | null> {
    const path = join(this.directory, 'manifests', '.transship', `default.${name}.json`);
    const text = await readFile(path, 'utf8').catch(() => null);
    return text === null ? null : (JSON.parse(text) as MigrationRecord);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#operator.kill();
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
    await rm(this.directory, { recursive: true, force: true });
  }

  #manifest(name: string): string {
    return join(this.directory, 'manifests', `${name}.yaml`);
  }
}

const operatorLogFile = (directory: string, number: number): string =>
  join(directory, `operator-${number}.log`);

const operatorOptions = (
  { directory, pki, nodes, clock }: Parts,
  number: number,
): Parameters<typeof startOperator>[0] => ({
  manifests: join(directory, 'manifests'),
  logFile: operatorLogFile(directory, number),
  tls: pki.operator,
  agents: nodes.map(({ node, front }) => ({ node, endpoint: front.endpoint })),
  ...(clock === null ? {} : { env: clock.env }),
});
