/** Two guests as nodes with brokers, the operator on the host, and everything between them in the hands of the test. */
import { mkdtemp, readFile, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeviceMigrationManifest, DeviceMigrationStatus } from '@transship/crds';
import { FaultProxy } from '../../faults/rig/fault-proxy.ts';
import { deviceRow } from '../../kernel/matrix/rows.ts';
import type { Guest } from '../../kernel/rig/guest.ts';
import { connectGuests } from '../../kernel/rig/guests.ts';
import { Manifests } from '../../kernel/voyage/manifests.ts';
import { KernelNode } from '../../kernel/voyage/node.ts';
import { countsBeside } from '../../kernel/voyage/workloads.ts';
import { issueTestPki, type TestPki } from '../../support/certificates.ts';
import type { ManagedProcess } from '../../support/managed-process.ts';
import { startOperator } from '../../support/processes.ts';
import { startTraffic } from './checks.ts';

const NODES = ['gpu-a', 'gpu-b'] as const;
const DEVICES = 2;
const BUSY = { link_us: 5000, traffic_us: 10_000 };
/** Deadlines of a machine that is many times slower than any that has devices. */
const PATIENT = ['--operation-timeout', '120s', '--operator-timeout', '300s'];

/** A node, and the connections to its agent: the operator's, and those of the agent that pulls from it. */
interface Place {
  readonly node: KernelNode;
  readonly front: FaultProxy;
  readonly transfer: FaultProxy;
}

export class GuestRig implements AsyncDisposable {
  readonly nodes: readonly [KernelNode, KernelNode];
  readonly proxies: readonly FaultProxy[];
  readonly guests: readonly Guest[];
  readonly #stack: AsyncDisposableStack;
  readonly #manifests: Manifests;
  readonly #startOperator: () => Promise<ManagedProcess>;
  #operator: ManagedProcess;
  /** Index of the node where the set is. */
  #home = 0;

  private constructor(
    guests: readonly Guest[],
    places: readonly [Place, Place],
    stack: AsyncDisposableStack,
    manifests: Manifests,
    operator: { readonly start: () => Promise<ManagedProcess>; readonly running: ManagedProcess },
  ) {
    this.guests = guests;
    this.nodes = [places[0].node, places[1].node];
    this.proxies = places.flatMap(({ front, transfer }) => [front, transfer]);
    this.#stack = stack;
    this.#manifests = manifests;
    this.#startOperator = operator.start;
    this.#operator = operator.running;
  }

  /** In guests that run already (GUESTS_VARIABLE names them). */
  static async start(): Promise<GuestRig> {
    await using stack = new AsyncDisposableStack();
    const guests = stack.use(await connectGuests());
    const directory = await mkdtemp(join(tmpdir(), 'ts-soak-guests-'));
    stack.defer(() => rm(directory, { recursive: true, force: true }));
    const pki = await issueTestPki(join(directory, 'pki'), NODES);
    const [first, second] = await Promise.all([
      startPlace(guests.group, NODES[0], pki, stack),
      startPlace(guests.cdev, NODES[1], pki, stack),
    ]);
    const manifests = new Manifests(join(directory, 'manifests'));
    const start = (): Promise<ManagedProcess> =>
      startOperator({
        manifests: manifests.folder,
        logFile: join(directory, 'operator.txt'),
        tls: pki.operator,
        agents: [first, second].map(({ node, front }) => ({ node: node.name, endpoint: front.endpoint })),
      });
    const running = await start();
    stack.defer(() => rig.#operator.kill());
    const rig: GuestRig = new GuestRig(guests.all, [first, second], stack.move(), manifests, {
      start,
      running,
    });
    try {
      await startTraffic(rig.source);
      return rig;
    } catch (error) {
      await rig[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Where the set is. */
  get source(): KernelNode {
    return this.nodes[this.#home === 0 ? 0 : 1];
  }

  get target(): KernelNode {
    return this.nodes[this.#home === 0 ? 1 : 0];
  }

  /** The set is on the other node from now on. */
  turnRound(): void {
    this.#home = 1 - this.#home;
  }

  async killOperator(): Promise<void> {
    await this.#operator.kill();
  }

  async startOperatorAgain(): Promise<void> {
    this.#operator = await this.#startOperator();
  }

  /** Puts a manifest for the whole set into the folder. */
  async apply(name: string, strategy: DeviceMigrationManifest['spec']['strategy']): Promise<void> {
    const place = ({ name: nodeName, deviceIds }: KernelNode): { nodeName: string; devices: string[] } => ({
      nodeName,
      devices: [...deviceIds],
    });
    await this.#manifests.apply(name, {
      source: place(this.source),
      target: place(this.target),
      strategy: { ...strategy },
      recovery: {},
    });
  }

  /** Takes the manifest away; one that is gone already is fine. */
  async remove(name: string): Promise<void> {
    await unlink(join(this.#manifests.folder, `${name}.yaml`)).catch(() => undefined);
  }

  /** Whether the manifest is in the folder. */
  async isApplied(name: string): Promise<boolean> {
    const text = await readFile(join(this.#manifests.folder, `${name}.yaml`)).catch(() => null);
    return text !== null;
  }

  async record(name: string): Promise<{ readonly status: DeviceMigrationStatus } | null> {
    const status = await this.#manifests.status(name);
    return status === null ? null : { status };
  }

  /** What the programs wrote last, for the message of a failure. */
  async logs(): Promise<string> {
    const operator = (await this.#operator.log()).slice(-12_000);
    return [...(await Promise.all(this.nodes.map((node) => node.logs()))), `--- operator\n${operator}`].join(
      '\n',
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }
}

async function startPlace(
  guest: Guest,
  name: (typeof NODES)[number],
  pki: TestPki,
  stack: AsyncDisposableStack,
): Promise<Place> {
  const [front, transfer] = await Promise.all([FaultProxy.listen(), FaultProxy.listen()]);
  stack.use(front);
  stack.use(transfer);
  const node = await KernelNode.start(guest, {
    name,
    row: deviceRow('v1+NDMA own'),
    devices: DEVICES,
    options: BUSY,
    workload: countsBeside,
    incoming: name === NODES[1],
    tls: pki.node(name),
    transferPort: Number(transfer.endpoint.split(':').at(-1)),
    agentArgs: PATIENT,
  });
  stack.use(node);
  for (const proxy of [front, transfer]) proxy.forwardTo(node.endpoint);
  return { node, front, transfer };
}
