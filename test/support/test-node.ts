/** One node of a test as processes: its devices, and its agent, which can be killed and started again. */
import { join } from 'node:path';
import type { TestPki } from './certificates.ts';
import type { EmulatorControl } from './emulator-control.ts';
import {
  startAgent,
  startEmulator,
  type AgentOptions,
  type EmulatorOptions,
  type RunningAgentProcess,
  type RunningEmulator,
} from './processes.ts';

export const SOURCE = 'gpu-a';
export const TARGET = 'gpu-b';

/** Links dirty a page with each transaction, so their rate decides how long pre-copy takes. */
const EMULATOR_ARGS = ['--keep-digests', '--mmap', 'mixed', '--link-rate', '100'] as const;

export interface TwoNodesOptions {
  /** Of each node; default 4. */
  readonly devices?: number;
  /** Of each device; default 4M. */
  readonly memory?: string;
  /** Devices a set and workload; default: all of a node. */
  readonly group?: number;
  /** How the devices' migration is driven; default v1. */
  readonly protocol?: 'v1' | 'v2';
  /** Names of further nodes that can take a set. */
  readonly others?: readonly string[];
  /** Further arguments of the emulators. */
  readonly source?: readonly string[];
  readonly target?: readonly string[];
  /** Further arguments of the agents, and where the source says that it can be pulled from. */
  readonly agents?: readonly string[];
  readonly advertise?: string;
  /** Roots of the builds that the programs are of; default: this checkout. */
  readonly builds?: { readonly operator?: string; readonly source?: string; readonly target?: string };
}

/** One node: its devices and its agent, which can be started anew. */
export class TestNode {
  readonly node: string;
  readonly emulator: RunningEmulator;
  readonly #options: AgentOptions;
  #agent: RunningAgentProcess;

  constructor(emulator: RunningEmulator, options: AgentOptions, agent: RunningAgentProcess) {
    this.node = emulator.node;
    this.emulator = emulator;
    this.#options = options;
    this.#agent = agent;
  }

  get agent(): RunningAgentProcess {
    return this.#agent;
  }

  get control(): EmulatorControl {
    return this.emulator.control;
  }

  /** Starts the agent again where it was, on its journal. `build`: as in {@link AgentOptions}, default: as it was. */
  async restartAgent(build = this.#options.build): Promise<void> {
    await this.#agent.process.kill();
    this.#agent = await startAgent({ ...this.#options, build, listen: this.#agent.endpoint });
  }

  /**
   * Lets no call that makes the device quiet return while its workload is frozen, until the returned function is called:
   * a source is held where it becomes quiet, a target where it is started.
   */
  async holdQuiet(device: number): Promise<() => Promise<void>> {
    await this.control.fault(device, 'pri');
    return () => this.control.clear(device);
  }

  async states(): Promise<string[]> {
    return (await this.control.devices()).map(({ state }) => state);
  }

  /** How often each device was reset. */
  async resets(): Promise<number[]> {
    return (await this.control.devices()).map(({ resets }) => resets);
  }
}

/** Starts emulator and agent of one of the nodes; whatever has started ends with the stack. */
export async function startNode(
  stack: AsyncDisposableStack,
  directory: string,
  pki: TestPki,
  node: string,
  options: TwoNodesOptions,
): Promise<TestNode> {
  const { devices = 4, memory = '4M', group, protocol = 'v1', agents = [], advertise, builds } = options;
  const isSource = node === SOURCE;
  const grouped = group === undefined ? [] : ['--group', String(group)];
  const particular = isSource
    ? ['--seed', '1', ...(options.source ?? [])]
    : ['--seed', '2', '--traffic', 'off', ...(options.target ?? [])];
  const place = join(directory, node);
  const emulatorOptions: EmulatorOptions = {
    directory: place,
    node,
    devices,
    memory,
    protocol,
    args: [...EMULATOR_ARGS, ...grouped, ...particular],
  };
  const emulator = stack.use(await startEmulator(emulatorOptions));
  const advertised = isSource && advertise !== undefined ? ['--advertise', advertise] : [];
  const agentOptions: AgentOptions = {
    directory: place,
    emulator,
    tls: pki.node(node),
    build: isSource ? builds?.source : builds?.target,
    args: [...agents, ...advertised],
    ...(group === undefined ? {} : { group }),
  };
  return new TestNode(emulator, agentOptions, stack.use(await startAgent(agentOptions)));
}
