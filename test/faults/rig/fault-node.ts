/** One node of the rig: devices that outlive the agent, an agent that can be killed, and a network around it. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AgentClient, NodeDescription } from '@transship/node-agent/contract';
import type { TestPki } from '../../support/certificates.ts';
import type { EmulatorControl } from '../../support/emulator-control.ts';
import { eventually } from '../../support/managed-process.ts';
import { projectRoot, startAgent, startEmulator } from '../../support/processes.ts';
import type { AgentOptions, EmulatorOptions } from '../../support/processes.ts';
import type { RunningAgentProcess, RunningEmulator } from '../../support/processes.ts';
import { FaultProxy } from './fault-proxy.ts';
import { SmallDisk } from './small-disk.ts';

/** Devices a node; all are one set. */
export const DEVICES = [0, 1] as const;

const ANSWER_MS = 60_000;
const MEMORY = '1M';
/** Links so long that devices which are not stopped together lose what is under way. */
const EMULATOR_ARGS = ['--keep-digests', '--mmap', 'mixed', '--link-rate', '100', '--link-latency', '5ms'];
/** Small frames, so that something is on its way all the time. */
const AGENT_ARGS = ['--frame-bytes', '16384'];

const COLLECTOR = pathToFileURL(join(projectRoot, 'test/faults/rig/collect-garbage.mjs')).href;

export interface FaultNodeOptions {
  readonly directory: string;
  readonly node: string;
  readonly pki: TestPki;
  /** Other seeds, other contents. */
  readonly seed: number;
  /** Whether a workload is at work on the devices from the start. */
  readonly busy: boolean;
  /** Of the agent. */
  readonly env: Readonly<Record<string, string>>;
}

export class FaultNode implements AsyncDisposable {
  readonly node: string;
  /** Between operator and agent. */
  readonly front: FaultProxy;
  /** Between this agent as the source and the one that pulls from it. */
  readonly transfer: FaultProxy;
  /** Of the journal. */
  readonly disk: SmallDisk;
  readonly #options: FaultNodeOptions;
  readonly #emulatorOptions: EmulatorOptions;
  #emulator: RunningEmulator;
  #agent: RunningAgentProcess;
  readonly #client: AgentClient;

  private constructor(
    parts: Pick<FaultNode, 'front' | 'transfer' | 'disk'>,
    options: FaultNodeOptions,
    emulatorOptions: EmulatorOptions,
    running: { emulator: RunningEmulator; agent: RunningAgentProcess; client: AgentClient },
  ) {
    this.node = options.node;
    this.front = parts.front;
    this.transfer = parts.transfer;
    this.disk = parts.disk;
    this.#options = options;
    this.#emulatorOptions = emulatorOptions;
    this.#emulator = running.emulator;
    this.#agent = running.agent;
    this.#client = running.client;
  }

  static async start(options: FaultNodeOptions): Promise<FaultNode> {
    await using stack = new AsyncDisposableStack();
    const place = join(options.directory, options.node);
    const [front, transfer] = await Promise.all([FaultProxy.listen(), FaultProxy.listen()]);
    stack.use(front);
    stack.use(transfer);
    const disk = stack.use(await SmallDisk.mount(join(place, 'state')));
    const traffic = options.busy ? 'on' : 'off';
    const emulatorOptions: EmulatorOptions = {
      directory: place,
      node: options.node,
      devices: DEVICES.length,
      memory: MEMORY,
      args: [...EMULATOR_ARGS, '--seed', String(options.seed), '--traffic', traffic],
    };
    const emulator = stack.use(await startEmulator(emulatorOptions));
    const agent = stack.use(await startAgent(agentOptions(options, place, emulator, transfer)));
    const client = await agent.client(options.pki.operator);
    for (const proxy of [front, transfer]) proxy.forwardTo(agent.endpoint);
    stack.move();
    return new FaultNode({ front, transfer, disk }, options, emulatorOptions, { emulator, agent, client });
  }

  get agent(): RunningAgentProcess {
    return this.#agent;
  }

  get emulator(): RunningEmulator {
    return this.#emulator;
  }

  get control(): EmulatorControl {
    return this.#emulator.control;
  }

  /**
   * Past the proxies, with the operator's certificate. The same for every agent of the node, which all serve at one address:
   * grpc-js connects again for a channel that was closed while it waited to, and keeps that connection for good.
   */
  get client(): AgentClient {
    return this.#client;
  }

  /** Starts the agent on its journal and at its old address, after it has ended somehow. */
  async startAgentAgain(): Promise<void> {
    const { endpoint: listen } = this.#agent;
    const place = this.#emulatorOptions.directory;
    this.#agent = await startAgent({
      ...agentOptions(this.#options, place, this.#emulator, this.transfer),
      listen,
    });
  }

  /** Starts the devices' server again after it was killed: all it held is gone, and so is the workload. */
  async startEmulatorAgain(): Promise<void> {
    const { args = [] } = this.#emulatorOptions;
    const blank = [...args.slice(0, -2), '--traffic', 'off'];
    this.#emulator = await startEmulator({ ...this.#emulatorOptions, args: blank });
  }

  /** What the agent says of its devices, asked until it answers: it may have been started a moment ago. */
  describe(): Promise<NodeDescription> {
    return eventually(`agent ${this.node} answers`, ANSWER_MS, async () =>
      this.#client.describe([], AbortSignal.timeout(ANSWER_MS)).catch(() => null),
    );
  }

  /** Lets the agent let go of what nothing refers to any more. */
  collectGarbage(): void {
    this.#agent.process.signal('SIGUSR2');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    await Promise.all([this.#agent.process.kill(), this.#emulator.process.kill()]);
    await Promise.all([this.front[Symbol.asyncDispose](), this.transfer[Symbol.asyncDispose]()]);
    await this.disk[Symbol.asyncDispose]();
  }
}

function agentOptions(
  { pki, node, env }: FaultNodeOptions,
  directory: string,
  emulator: RunningEmulator,
  transfer: FaultProxy,
): AgentOptions {
  const args = [...AGENT_ARGS, '--advertise', transfer.endpoint];
  const { NODE_OPTIONS: inherited = '' } = process.env;
  const withCollector = { ...env, NODE_OPTIONS: `${inherited} --import ${COLLECTOR}`.trim() };
  return { directory, emulator, tls: pki.node(node), args, env: withCollector };
}
