/** Two guests as nodes, and the operator on the host. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeviceMigrationManifest, DeviceMigrationStatus } from '@transship/crds';
import type { TlsFiles } from '@transship/node-agent/contract';
import { issueTestPki } from '../../support/certificates.ts';
import type { TestPki } from '../../support/certificates.ts';
import type { ManagedProcess } from '../../support/managed-process.ts';
import { startOperator } from '../../support/processes.ts';
import { FaultProxy } from '../../faults/rig/fault-proxy.ts';
import type { Guest } from '../rig/guest.ts';
import { Manifests } from './manifests.ts';
import { KernelNode } from './node.ts';
import type { NodeOptions } from './node.ts';

/** Deadlines of a machine that is many times slower than any that has devices. */
const PATIENT = ['--operation-timeout', '120s', '--operator-timeout', '300s'];

const SOURCE = 'gpu-a';
const TARGET = 'gpu-b';

export type PairOptions = Pick<NodeOptions, 'row' | 'devices' | 'workload' | 'agentArgs'> & {
  readonly source?: NodeOptions['options'];
  readonly target?: NodeOptions['options'];
};

type Spec = DeviceMigrationManifest['spec'];

export interface ApplyOptions {
  /** Default: from the source to the target. */
  readonly from?: KernelNode;
  readonly to?: KernelNode;
  readonly recovery?: Spec['recovery'];
}

export class KernelPair implements AsyncDisposable {
  readonly source: KernelNode;
  readonly target: KernelNode;
  readonly operator: ManagedProcess;
  readonly manifests: Manifests;
  /** Certificate of the operator. */
  readonly tls: TlsFiles;
  /** Between the operator and each agent. */
  readonly fronts: ReadonlyMap<KernelNode, FaultProxy>;
  readonly #directory: string;

  private constructor(
    parts: Pick<KernelPair, 'source' | 'target' | 'operator' | 'tls' | 'fronts'>,
    directory: string,
  ) {
    this.source = parts.source;
    this.target = parts.target;
    this.operator = parts.operator;
    this.tls = parts.tls;
    this.fronts = parts.fronts;
    this.manifests = new Manifests(join(directory, 'manifests'));
    this.#directory = directory;
  }

  static async start(from: Guest, to: Guest, options: PairOptions): Promise<KernelPair> {
    await using stack = new AsyncDisposableStack();
    const directory = await mkdtemp(join(tmpdir(), 'ts-kernel-'));
    stack.defer(() => rm(directory, { recursive: true }));
    const pki = await issueTestPki(join(directory, 'pki'), [SOURCE, TARGET]);
    const [source, target] = await Promise.all([
      KernelNode.start(from, nodeOptions(SOURCE, pki, options)).then((node) => stack.use(node)),
      KernelNode.start(to, nodeOptions(TARGET, pki, options)).then((node) => stack.use(node)),
    ]);
    const fronts = new Map<KernelNode, FaultProxy>();
    for (const node of [source, target]) {
      const front = stack.use(await FaultProxy.listen());
      front.forwardTo(node.endpoint);
      fronts.set(node, front);
    }
    const operator = await startOperator({
      manifests: join(directory, 'manifests'),
      logFile: join(directory, 'operator.txt'),
      tls: pki.operator,
      agents: [...fronts].map(([{ name }, { endpoint }]) => ({ node: name, endpoint })),
    });
    stack.move();
    return new KernelPair({ source, target, operator, tls: pki.operator, fronts }, directory);
  }

  /** Orders all devices of a node to the other. A quiesce may take long here. */
  async apply(
    name: string,
    strategy: Spec['strategy'] = {},
    { from = this.source, to = this.target, recovery = {} }: ApplyOptions = {},
  ): Promise<void> {
    await this.manifests.apply(name, {
      source: { nodeName: from.name, devices: [...from.deviceIds] },
      // The set keeps its order, so that a test knows which device went where.
      target: { nodeName: to.name, devices: [...to.deviceIds] },
      strategy: { quiesceTimeout: '120s', ...strategy },
      recovery,
    });
  }

  /** The status in which it has ended. @throws with all logs when it does not. */
  async ended(name: string): Promise<DeviceMigrationStatus> {
    return this.explained(() => this.manifests.ended(name));
  }

  /** Waits for the end, which has to be a good one; the status then. @throws with all logs when it is not. */
  async moved(name: string): Promise<DeviceMigrationStatus> {
    return this.explained(async () => {
      const status = await this.manifests.ended(name);
      if (status.phase !== 'Succeeded')
        throw new Error(`${name} did not succeed: ${JSON.stringify(status, null, 1)}`);
      return status;
    });
  }

  /** Adds to an error what the programs wrote last. */
  async explained<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      const operator = (await this.operator.log()).slice(-6000);
      const logs = [await this.source.logs(), await this.target.logs(), `--- operator\n${operator}`];
      throw new Error([(cause as Error).message, ...logs].join('\n'), { cause });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.operator.kill();
    await Promise.all([...this.fronts.values()].map((front) => front[Symbol.asyncDispose]()));
    await Promise.all([this.source[Symbol.asyncDispose](), this.target[Symbol.asyncDispose]()]);
    await rm(this.#directory, { recursive: true });
  }
}

function nodeOptions(name: string, pki: TestPki, options: PairOptions): NodeOptions {
  const { row, devices, workload, agentArgs = [], source, target } = options;
  const own = name === SOURCE ? source : target;
  return {
    name,
    row,
    devices,
    workload,
    incoming: name === TARGET,
    tls: pki.node(name),
    ...(own === undefined ? {} : { options: own }),
    agentArgs: [...PATIENT, ...agentArgs],
  };
}
