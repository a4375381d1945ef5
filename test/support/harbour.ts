/** Two nodes with an emulator and an agent each, as processes, and voyages between them. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { issueTestPki } from './certificates.ts';
import type { TestPki } from './certificates.ts';
import { startAgent, startEmulator } from './processes.ts';
import type { RunningAgentProcess, RunningEmulator } from './processes.ts';
import { Voyage } from './voyage.ts';
import type { Shore } from './voyage.ts';

export interface HarbourOptions {
  readonly devices?: number;
  readonly memory?: string;
  /** Further arguments of the emulators and agents. */
  readonly sourceEmulator?: readonly string[];
  readonly targetEmulator?: readonly string[];
  readonly agents?: readonly string[];
}

/** One node: its emulator, its agent, and a client of the agent with the operator's certificate. */
export class Port {
  readonly node: string;
  readonly emulator: RunningEmulator;
  readonly #directory: string;
  readonly #pki: TestPki;
  readonly #args: readonly string[];
  #agent: RunningAgentProcess;
  #shore: Shore;

  private constructor(
    emulator: RunningEmulator,
    agent: RunningAgentProcess,
    shore: Shore,
    rest: { directory: string; pki: TestPki; args: readonly string[] },
  ) {
    this.node = emulator.node;
    this.emulator = emulator;
    this.#agent = agent;
    this.#shore = shore;
    this.#directory = rest.directory;
    this.#pki = rest.pki;
    this.#args = rest.args;
  }

  static async open(
    node: string,
    root: string,
    pki: TestPki,
    emulatorArgs: readonly string[],
    { devices = 2, memory = '16M', agents: args = [] }: HarbourOptions,
  ): Promise<Port> {
    const directory = join(root, node);
    const emulator = await startEmulator({ directory, node, devices, memory, args: emulatorArgs });
    const agent = await startAgent({ directory, emulator, tls: pki.node(node), args });
    return new Port(emulator, agent, await shoreOf(agent, pki), { directory, pki, args });
  }

  get agent(): RunningAgentProcess {
    return this.#agent;
  }

  get shore(): Shore {
    return this.#shore;
  }

  /** Starts the agent again on its journal and at its old address, after it has ended somehow. */
  async restartAgent(): Promise<void> {
    this.#shore.client.close();
    const tls = this.#pki.node(this.node);
    const { endpoint: listen } = this.#agent;
    this.#agent = await startAgent({
      directory: this.#directory,
      emulator: this.emulator,
      tls,
      listen,
      args: this.#args,
    });
    this.#shore = await shoreOf(this.#agent, this.#pki);
  }

  async close(): Promise<void> {
    this.#shore.client.close();
    await this.#agent.process.stop();
    await this.emulator.process.stop();
  }
}

async function shoreOf(agent: RunningAgentProcess, pki: TestPki): Promise<Shore> {
  const client = await agent.client(pki.operator);
  return { client, node: agent.node, endpoint: agent.endpoint, devices: agent.deviceIds };
}

export class Harbour implements AsyncDisposable {
  readonly directory: string;
  readonly pki: TestPki;
  readonly source: Port;
  readonly target: Port;

  private constructor(directory: string, pki: TestPki, source: Port, target: Port) {
    this.directory = directory;
    this.pki = pki;
    this.source = source;
    this.target = target;
  }

  /** gpu-a, where the set runs, and gpu-b, which waits for it. */
  static async open(options: HarbourOptions = {}): Promise<Harbour> {
    const directory = await mkdtemp(join(tmpdir(), 'ts-harbour-'));
    const pki = await issueTestPki(join(directory, 'pki'), ['gpu-a', 'gpu-b']);
    const sourceArgs = ['--seed', '1', ...(options.sourceEmulator ?? [])];
    const targetArgs = ['--seed', '2', '--traffic', 'off', ...(options.targetEmulator ?? [])];
    const source = await Port.open('gpu-a', directory, pki, sourceArgs, options);
    const target = await Port.open('gpu-b', directory, pki, targetArgs, options);
    return new Harbour(directory, pki, source, target);
  }

  /** A migration from gpu-a to gpu-b. Follows agents that are started again. */
  voyage(): Voyage {
    return new Voyage(
      randomUUID(),
      () => this.source.shore,
      () => this.target.shore,
    );
  }

  /** Digests of all devices of a node; they must be stopped. */
  async digests(port: Port): Promise<readonly { digest: string; memory: string }[]> {
    return Promise.all(port.emulator.sockets.map((_, index) => port.emulator.control.digest(index)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.source.close(), this.target.close()]);
    await rm(this.directory, { recursive: true });
  }
}
