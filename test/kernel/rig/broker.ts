import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { nativeArtifact } from '@transship/native';
import type { BrokeredDevice } from '@transship/native';
import { eventually } from '../../support/managed-process.ts';
import type { Guest } from './guest.ts';

export interface BrokerOptions {
  /** Name at the broker -> address in the guest. */
  readonly devices: Readonly<Record<string, string>>;
  readonly interface?: 'auto' | 'cdev' | 'group';
  /** Takes duplicates from this process instead of opening the devices. */
  readonly process?: number;
  /** The program that drives them all, and the socket that it is served at. */
  readonly workload?: { readonly name: string; readonly socket: string };
  /** In the place of one that has ended, at the same sockets. */
  readonly after?: RunningBroker;
}

/** A broker process in a guest. */
export interface RunningBroker extends AsyncDisposable {
  readonly pid: number;
  /** For the agent. */
  readonly socket: string;
  readonly logFile: string;
  info(): Promise<readonly BrokeredDevice[]>;
}

const PATIENCE_MS = 120_000;

/** Starts a broker and waits until it has every device open. */
export async function startBroker(guest: Guest, options: BrokerOptions): Promise<RunningBroker> {
  const { devices, interface: chosen = 'auto', workload, process: holder, after } = options;
  const { control } = guest;
  const place = after === undefined ? `/run/broker-${randomUUID().slice(0, 8)}` : dirname(after.socket);
  const socket = `${place}/agent.sock`;
  const logFile = `${place}/broker.txt`;
  await guest.shell(`mkdir -p ${place}`);
  const ofWorkload = workload === undefined ? '' : `,workload=${workload.name}`;
  const ofProcess = holder === undefined ? '' : `,process=${holder}`;
  const argv = [
    nativeArtifact('transship-broker'),
    ...['--agent-socket', socket],
    ...Object.entries(devices).flatMap(([name, address]) => [
      '--device',
      `name=${name},address=${address},interface=${chosen}${ofWorkload}${ofProcess}`,
    ]),
    ...(workload === undefined ? [] : ['--workload-socket', `name=${workload.name},path=${workload.socket}`]),
  ];
  const { pid } = await control.call('spawn', { argv, logFile });
  const info = async (): Promise<readonly BrokeredDevice[]> =>
    (await control.call('callNative', { name: 'brokerInfo', args: [socket] })) as BrokeredDevice[];
  const end = async (): Promise<void> => {
    await control.call('kill', { pid, signal: 'SIGTERM' }).catch(() => undefined); // it may have ended by itself
    const ended = await control.call('wait', { pid, timeoutMs: PATIENCE_MS }, PATIENCE_MS);
    if (ended === null) throw new Error(`${guest.name}: broker ${pid} does not end`);
  };
  try {
    await eventually('the broker with all devices', PATIENCE_MS, async () => {
      const ended = await control.call('wait', { pid, timeoutMs: 1 });
      if (ended !== null) throw new Error(`the broker ended: ${await guest.read(logFile)}`);
      const known = await info().catch(() => []);
      return known.length > 0 && known.every(({ error }) => error === null) ? true : null;
    });
  } catch (error) {
    await end().catch(() => undefined);
    throw error;
  }
  return { pid, socket, logFile, info, [Symbol.asyncDispose]: end };
}
