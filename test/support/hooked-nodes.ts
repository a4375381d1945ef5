/** Two nodes whose devices belong to workloads that serve a hook, as processes: what is moved is devices and workload. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { issueTestPki } from './certificates.ts';
import type { TestPki } from './certificates.ts';
import { ManagedProcess } from './managed-process.ts';
import { projectRoot, startAgent, startEmulator } from './processes.ts';
import type { RunningEmulator } from './processes.ts';
import { Voyage } from './voyage.ts';
import type { Shore } from './voyage.ts';

const PATIENCE_MS = 90_000;

/** What the example hook writes whenever it enters a state. */
interface HookLine {
  readonly state: string;
  readonly counter: number;
  readonly bytes: number;
  readonly digest: string;
  /** Devices that it was told were reset. */
  readonly blank: readonly string[];
}

/** examples/workload/node/hook.mjs as a process. */
export class HookProcess {
  readonly socketPath: string;
  readonly process: ManagedProcess;

  private constructor(socketPath: string, process: ManagedProcess) {
    this.socketPath = socketPath;
    this.process = process;
  }

  static async start(directory: string, args: readonly string[]): Promise<HookProcess> {
    const socketPath = join(directory, 'hook.sock');
    const program = join(projectRoot, 'examples/workload/node/hook.mjs');
    const process = new ManagedProcess({
      name: `workload in ${directory}`,
      program: globalThis.process.execPath,
      args: [program, '--socket', socketPath, ...args],
      logFile: join(directory, 'hook.log'),
    });
    const hook = new HookProcess(socketPath, process);
    await process.waitForLog((log) => (log.includes('"state"') ? true : null), PATIENCE_MS);
    return hook;
  }

  /** Every state that it has entered, in order. */
  async lines(): Promise<HookLine[]> {
    const lines = (await this.process.log()).split('\n').filter((line) => line.startsWith('{'));
    return lines.map((line) => JSON.parse(line) as HookLine);
  }

  async last(): Promise<HookLine> {
    const last = (await this.lines()).at(-1);
    if (last === undefined) throw new Error('the workload has said nothing');
    return last;
  }
}

interface HookedNode {
  readonly emulator: RunningEmulator;
  readonly hook: HookProcess;
  readonly shore: Shore;
}

export class HookedNodes implements AsyncDisposable {
  readonly source: HookedNode;
  readonly target: HookedNode;
  readonly #stack: AsyncDisposableStack;

  private constructor(source: HookedNode, target: HookedNode, stack: AsyncDisposableStack) {
    this.source = source;
    this.target = target;
    this.#stack = stack;
  }

  /** `memory`: of the workload, bytes. */
  static async start(memory: number): Promise<HookedNodes> {
    await using stack = new AsyncDisposableStack();
    const directory = await mkdtemp(join(tmpdir(), 'ts-hooked-'));
    stack.defer(() => rm(directory, { recursive: true }));
    const pki = await issueTestPki(join(directory, 'pki'), ['gpu-a', 'gpu-b']);
    const source = await startNode(stack, directory, pki, 'gpu-a', ['--memory', String(memory)]);
    const target = await startNode(stack, directory, pki, 'gpu-b', ['--incoming']);
    return new HookedNodes(source, target, stack.move());
  }

  voyage(): Voyage {
    return new Voyage(
      randomUUID(),
      () => this.source.shore,
      () => this.target.shore,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }
}

/** The emulator has no workload of its own: its devices are the hook's. */
async function startNode(
  stack: AsyncDisposableStack,
  root: string,
  pki: TestPki,
  node: string,
  hookArgs: readonly string[],
): Promise<HookedNode> {
  const directory = join(root, node);
  const args = ['--traffic', 'off'];
  const emulator = stack.use(await startEmulator({ directory, node, devices: 2, memory: '4M', args }));
  const hook = await HookProcess.start(directory, hookArgs);
  stack.use(hook.process);
  const agent = stack.use(
    await startAgent({ directory, emulator, tls: pki.node(node), hook: hook.socketPath }),
  );
  const client = await agent.client(pki.operator);
  stack.defer(() => client.close());
  return { emulator, hook, shore: { client, node, endpoint: agent.endpoint, devices: agent.deviceIds } };
}
