/** Starts the built programs as processes, for every test and demonstration that wants the real thing. */
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { nativeArtifact } from '@transship/native';
import { createAgentClient, loadTls } from '@transship/node-agent/contract';
import type { AgentClient, TlsFiles } from '@transship/node-agent/contract';
import { emulatorControl } from './emulator-control.ts';
import type { EmulatorControl } from './emulator-control.ts';
import { ManagedProcess } from './managed-process.ts';

/** To end a test whose process hangs: a program may take long to load on a busy machine. */
const READY_DEADLINE_MS = 90_000;

/** Root of the project. This file runs from test/support or, compiled, from test/dist/support. */
export const projectRoot = join(
  import.meta.dirname,
  basename(dirname(import.meta.dirname)) === 'dist' ? '../../..' : '../..',
);

/** Compiled main file of a workspace, of this checkout or of another build. */
const builtMain = (workspace: string, build = projectRoot): string =>
  join(build, workspace, 'dist', 'main.js');

export interface EmulatorOptions {
  /** Sockets and log go here; must not be longer than about 80 characters. */
  readonly directory: string;
  readonly node: string;
  readonly devices: number;
  /** Of each device, such as `64M`. */
  readonly memory: string;
  /** How the devices' migration is driven; default v1. */
  readonly protocol?: 'v1' | 'v2';
  /** Further arguments of transship-emulator, such as `['--dirty-rate', '64M']`. */
  readonly args?: readonly string[];
  /** `mutants` for the build whose rules can be broken one by one. */
  readonly variant?: 'release' | 'mutants' | 'sanitize';
  readonly env?: Readonly<Record<string, string>>;
}

export interface RunningEmulator extends AsyncDisposable {
  readonly process: ManagedProcess;
  readonly node: string;
  readonly controlSocket: string;
  readonly control: EmulatorControl;
  /** vfio-user sockets, by device index. */
  readonly sockets: readonly string[];
}

/** Starts the emulator of one node and waits until its sockets listen. */
export async function startEmulator(options: EmulatorOptions): Promise<RunningEmulator> {
  const { directory, node, devices, memory, protocol = 'v1', args = [], variant, env } = options;
  await mkdir(directory, { recursive: true });
  const process = new ManagedProcess({
    name: `emulator ${node}`,
    program: nativeArtifact('transship-emulator', variant),
    args: [
      '--directory',
      directory,
      '--node',
      node,
      '--devices',
      String(devices),
      '--memory',
      memory,
      '--protocol',
      protocol,
      ...args,
    ],
    logFile: join(directory, 'emulator.log'),
    ...(env === undefined ? {} : { env }),
  });
  await readyOrEnd(process, (log) => (/^ready$/m.test(log) ? true : null));
  const controlSocket = join(directory, 'control.sock');
  return {
    process,
    node,
    controlSocket,
    control: emulatorControl(controlSocket),
    sockets: Array.from({ length: devices }, (_, index) => join(directory, `${index}.sock`)),
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

export interface AgentOptions {
  /** Journal, devices file and log go here; a restarted agent is given the same. */
  readonly directory: string;
  readonly emulator: Pick<RunningEmulator, 'node' | 'controlSocket' | 'sockets'>;
  readonly tls: TlsFiles;
  /** Devices a workload, as the emulator's `--group`; default: one workload drives all. */
  readonly group?: number;
  /** Socket of the hook of the workload that drives all devices; default: the emulated workloads drive them. */
  readonly hook?: string;
  /** Default: any free port of 127.0.0.1. */
  readonly listen?: string;
  /** Further arguments of transship-agent, such as `['--operator-timeout', '5s']`. */
  readonly args?: readonly string[];
  /** Root of the build whose agent it is; default: this checkout. */
  readonly build?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

export interface RunningAgentProcess extends AsyncDisposable {
  readonly process: ManagedProcess;
  readonly node: string;
  readonly endpoint: string;
  readonly healthPort: number;
  readonly stateDir: string;
  /** Ids of the devices, in the order of the emulator. */
  readonly deviceIds: readonly string[];
  /** A client that shows the given certificate, usually the operator's. Close it. */
  client(tls: TlsFiles): Promise<AgentClient>;
}

/** Starts the agent of an emulator's node and waits until it serves. */
export async function startAgent(options: AgentOptions): Promise<RunningAgentProcess> {
  const { directory, emulator, tls, group, hook, listen = '127.0.0.1:0', args = [], build, env } = options;
  const { node } = emulator;
  const stateDir = join(directory, 'state');
  await mkdir(stateDir, { recursive: true });
  const deviceIds = emulator.sockets.map((_, index) => `${node}/${index}`);
  const devicesFile = join(directory, 'devices.yaml');
  await writeFile(devicesFile, devicesYaml(emulator, deviceIds, group, hook));
  const process = new ManagedProcess({
    name: `agent ${node}`,
    program: globalThis.process.execPath,
    args: [
      builtMain('node-agent', build),
      ...['--node-name', node, '--listen', listen, '--health-port', '0'],
      ...['--tls-cert', tls.cert, '--tls-key', tls.key, '--tls-ca', tls.ca],
      ...['--state-dir', stateDir, '--devices', devicesFile],
      ...args,
    ],
    logFile: join(directory, 'agent.log'),
    ...(env === undefined ? {} : { env }),
  });
  const { endpoint, healthPort } = await readyOrEnd(process, listeningLine);
  return {
    process,
    node,
    endpoint,
    healthPort,
    stateDir,
    deviceIds,
    client: async (files) => createAgentClient({ endpoint, tls: await loadTls(files), nodeName: node }),
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

interface OperatorProcessOptions {
  readonly logFile: string;
  readonly tls: TlsFiles;
  /** Further arguments of transship-operator. */
  readonly args?: readonly string[];
  /** Root of the build whose operator it is; default: this checkout. */
  readonly build?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

export interface OperatorOptions extends OperatorProcessOptions {
  /** Folder of manifests; the log goes beside it. */
  readonly manifests: string;
  readonly agents: readonly Pick<RunningAgentProcess, 'node' | 'endpoint'>[];
}

/** Starts the operator on a folder of manifests and waits until it has started. */
export async function startOperator(options: OperatorOptions): Promise<ManagedProcess> {
  const { manifests, agents } = options;
  await mkdir(manifests, { recursive: true });
  const endpoints = agents.flatMap(({ node, endpoint }) => ['--agent', `${node}=${endpoint}`]);
  return runOperator(options, ['--manifests', manifests, ...endpoints]);
}

export interface KubeOperatorOptions extends OperatorProcessOptions {
  readonly kubeconfig: string;
  /** Where its Lease is. */
  readonly namespace: string;
}

/** Starts the operator on a cluster and waits until it has started; it may not lead yet. */
export const startKubeOperator = (options: KubeOperatorOptions): Promise<ManagedProcess> =>
  runOperator(options, [
    '--kubeconfig',
    options.kubeconfig,
    '--leader-election-namespace',
    options.namespace,
  ]);

async function runOperator(
  options: OperatorProcessOptions,
  mode: readonly string[],
): Promise<ManagedProcess> {
  const { logFile, tls, args = [], build, env } = options;
  await mkdir(dirname(logFile), { recursive: true });
  const process = new ManagedProcess({
    name: 'operator',
    program: globalThis.process.execPath,
    args: [
      builtMain('operator', build),
      ...mode,
      ...['--health-port', '0', '--health-host', '127.0.0.1'],
      ...['--tls-cert', tls.cert, '--tls-key', tls.key, '--tls-ca', tls.ca],
      ...args,
    ],
    logFile,
    ...(env === undefined ? {} : { env }),
  });
  await readyOrEnd(process, (log) => (log.includes('"msg":"started"') ? true : null));
  return process;
}

/** A process that does not become ready is ended before the error is thrown. */
async function readyOrEnd<T>(process: ManagedProcess, find: (log: string) => T | null): Promise<T> {
  const before = process.logOffset;
  try {
    return await process.waitForLog(find, READY_DEADLINE_MS, before);
  } catch (error) {
    await process.kill();
    throw error;
  }
}

function listeningLine(log: string): { endpoint: string; healthPort: number } | null {
  const line = log.split('\n').find((candidate) => candidate.includes('"msg":"listening"'));
  if (line === undefined) return null;
  const { endpoint, healthPort } = JSON.parse(line) as { endpoint: string; healthPort: number };
  return { endpoint, healthPort };
}

function devicesYaml(
  emulator: AgentOptions['emulator'],
  ids: readonly string[],
  group = Number.POSITIVE_INFINITY,
  hook: string | null = null,
): string {
  const devices = emulator.sockets.map((socket, index) => ({
    id: ids[index],
    vfioUser: socket,
    group: Math.floor(index / group),
  }));
  const workloads = hook === null ? [] : [{ name: 'hooked', hook, devices: ids }];
  const workload = { emulatorControl: emulator.controlSocket };
  // JSON is YAML.
  return JSON.stringify({ devices, workload, workloads }, null, 2);
}
