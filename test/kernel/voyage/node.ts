/** One node of a guest-to-guest migration: a broker, the workload and the agent, all in the guest. */
import { basename, dirname, join } from 'node:path';
import { readFile } from 'node:fs/promises';
import type { TlsFiles } from '@transship/node-agent/contract';
import { projectRoot } from '../../support/processes.ts';
import { startBroker } from '../rig/broker.ts';
import type { BrokerOptions, RunningBroker } from '../rig/broker.ts';
import type { Guest } from '../rig/guest.ts';
import { OwnDevice } from '../rig/own-device.ts';
import { GUEST_PORTS } from '../rig/qemu.ts';
import { createMdev, removeMdev } from '../rig/vfio.ts';
import type { DeviceRow } from '../matrix/rows.ts';
import type { OwnOptions } from '../rig/own-device.ts';
import { GuestProcess } from './guest-process.ts';

/** Name of the workload at the broker and in the agent's file; each node has one. */
const WORKLOAD = 'trainer';
/** As a guest reaches the loopback of its host, QEMU's user network. */
const HOST = '10.0.2.2';
const PATIENCE_MS = 120_000;

export interface NodeOptions {
  /** Of the node and first part of its devices' ids. */
  readonly name: string;
  readonly row: DeviceRow;
  readonly devices: number;
  readonly options?: OwnOptions;
  /** Starts the workload; it has to serve the hook. */
  readonly workload: (place: WorkloadPlace) => readonly string[];
  readonly incoming: boolean;
  readonly tls: TlsFiles;
  /** Port of the host's 127.0.0.1 at which other agents reach this one; default: the one that is forwarded to it. */
  readonly transferPort?: number;
  readonly agentArgs?: readonly string[];
}

/** What a workload is told of the node it runs on; paths are the guest's. */
export interface WorkloadPlace {
  readonly hook: string;
  readonly brokerSocket: string;
  /** Names at the broker. */
  readonly devices: readonly string[];
  readonly incoming: boolean;
  readonly statusFile: string;
}

export class KernelNode implements AsyncDisposable {
  readonly guest: Guest;
  readonly name: string;
  readonly uuids: readonly string[];
  readonly workload: GuestProcess;
  readonly #place: string;
  readonly #brokerOptions: BrokerOptions;
  readonly #agentArgs: readonly string[];
  #broker: RunningBroker;
  #agent: GuestProcess | null = null;

  private constructor(
    guest: Guest,
    name: string,
    parts: {
      uuids: readonly string[];
      brokerOptions: BrokerOptions;
      broker: RunningBroker;
      workload: GuestProcess;
      place: string;
    },
    agentArgs: readonly string[],
  ) {
    this.guest = guest;
    this.name = name;
    this.uuids = parts.uuids;
    this.#brokerOptions = parts.brokerOptions;
    this.#broker = parts.broker;
    this.workload = parts.workload;
    this.#place = parts.place;
    this.#agentArgs = agentArgs;
  }

  static async start(guest: Guest, options: NodeOptions): Promise<KernelNode> {
    const { name, row, devices: count, tls, incoming, agentArgs = [] } = options;
    const place = `/run/${name}-${Date.now().toString(36)}`;
    await guest.shell(`mkdir -p ${place}/state ${place}/tls`);
    const uuids: string[] = [];
    for (let index = 0; index < count; index++) {
      const uuid = await createMdev(guest, row.parent, row.type);
      if (row.parent === 'own') await new OwnDevice(guest, uuid).set({ ...row.options, ...options.options });
      uuids.push(uuid);
    }
    const devices = uuids.map((_, index) => `${name}/${index}`);
    const brokerSocket = `${place}/workload.sock`;
    const brokerOptions: BrokerOptions = {
      devices: Object.fromEntries(devices.map((device, index) => [device, uuids[index] ?? ''])),
      interface: guest.description.set,
      workload: { name: WORKLOAD, socket: brokerSocket },
    };
    const broker = await startBroker(guest, brokerOptions);
    const hook = `${place}/hook.sock`;
    const argv = options.workload({
      hook,
      brokerSocket,
      devices,
      incoming,
      statusFile: `${place}/status.json`,
    });
    const workload = await GuestProcess.start(guest, argv, `${place}/workload.txt`);
    // An agent starts no migration towards a workload that does not answer.
    await workload.untilSocket(hook);
    for (const file of Object.values(tls)) {
      await guest.write(`${place}/tls/${basename(file)}`, await readFile(file, 'utf8'), 0o600);
    }
    await guest.write(
      `${place}/devices.yaml`,
      JSON.stringify({
        broker: broker.socket,
        devices: devices.map((id) => ({ id, broker: id })),
        workloads: [{ name: WORKLOAD, hook, devices }],
      }),
    );
    const inGuest = (file: string): string => `${place}/tls/${basename(file)}`;
    const node = new KernelNode(guest, name, { uuids, brokerOptions, broker, workload, place }, [
      join(projectRoot, 'node-agent/dist/main.js'),
      ...['--node-name', name, '--listen', `0.0.0.0:${GUEST_PORTS.agent}`],
      ...['--advertise', `${HOST}:${options.transferPort ?? guest.description.ports.agent}`],
      ...['--tls-cert', inGuest(tls.cert), '--tls-key', inGuest(tls.key), '--tls-ca', inGuest(tls.ca)],
      ...['--state-dir', `${place}/state`, '--devices', `${place}/devices.yaml`],
      ...agentArgs,
    ]);
    await node.startAgent();
    return node;
  }

  /** As the operator on the host reaches the agent. */
  get endpoint(): string {
    return `127.0.0.1:${this.guest.description.ports.agent}`;
  }

  get deviceIds(): readonly string[] {
    return this.uuids.map((_, index) => `${this.name}/${index}`);
  }

  get broker(): RunningBroker {
    return this.#broker;
  }

  get agent(): GuestProcess {
    if (this.#agent === null) throw new Error(`${this.name} has no agent now`);
    return this.#agent;
  }

  /** The project's own device; not for mtty. */
  own(index: number): OwnDevice {
    const uuid = this.uuids[index];
    if (uuid === undefined) throw new RangeError(`${this.name} has ${this.uuids.length} devices`);
    return new OwnDevice(this.guest, uuid);
  }

  async startAgent(): Promise<void> {
    const { control } = this.guest;
    const { pid } = await control.call('ping', {});
    const [program = ''] = (await this.guest.read(`/proc/${pid}/cmdline`)).split('\0');
    const logFile = `${this.#place}/agent.txt`;
    const before = await control.call('readFile', { path: logFile }).catch(() => Buffer.alloc(0));
    this.#agent = await GuestProcess.start(this.guest, [program, ...this.#agentArgs], logFile);
    await this.#agent.untilLine('"msg":"listening"', before.length);
  }

  /** SIGKILL, as a node's agent may end at any time. */
  async killAgent(): Promise<void> {
    await this.agent.end('SIGKILL');
    this.#agent = null;
  }

  /** Ends the broker; its devices stay open as long as the agent has them. */
  async endBroker(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const { control } = this.guest;
    const { pid } = this.#broker;
    await control.call('kill', { pid, signal });
    const ended = await control.call('wait', { pid, timeoutMs: PATIENCE_MS }, PATIENCE_MS);
    if (ended === null) throw new Error(`${this.name}: broker ${pid} survived ${signal}`);
  }

  /** Starts a broker in the place of the one that has ended, and waits until it has every device. */
  async startBrokerAgain(): Promise<void> {
    this.#broker = await startBroker(this.guest, { ...this.#brokerOptions, after: this.#broker });
  }

  /** Last report of the example workload. */
  async workloadStatus(): Promise<Readonly<Record<string, unknown>>> {
    return JSON.parse(await this.guest.read(`${this.#place}/status.json`)) as Record<string, unknown>;
  }

  /** What its programs wrote, for the message of a failure. */
  async logs(): Promise<string> {
    const files = ['agent.txt', 'workload.txt'].map((file) => join(this.#place, file));
    const parts = await Promise.all(
      [...files, join(dirname(this.broker.socket), 'broker.txt')].map(async (file) => {
        const text = await this.guest.read(file).catch((error: unknown) => String(error));
        return `--- ${this.name} ${file}\n${text.slice(-6000)}`;
      }),
    );
    return parts.join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent?.end('SIGKILL');
    await this.workload.end('SIGKILL');
    await this.broker[Symbol.asyncDispose]();
    for (const uuid of this.uuids) await removeMdev(this.guest, uuid);
  }
}
