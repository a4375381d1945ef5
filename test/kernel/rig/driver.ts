import { eventually } from '../../support/managed-process.ts';
import { CONTROL_PORT } from '../protocol.ts';
import { ControlClient } from './control-client.ts';
import type { Guest } from './guest.ts';

/** A second control server in a guest: a process that has devices open and that a test may kill. */
export interface Driver extends AsyncDisposable {
  readonly control: ControlClient;
  readonly pid: number;
  /** SIGKILL; its devices are closed when this resolves. */
  kill(): Promise<void>;
}

const PATIENCE_MS = 120_000;

/** One at a time in each guest: it has one port. */
export async function startDriver(guest: Guest): Promise<Driver> {
  const { control } = guest;
  const logFile = '/tmp/driver.log';
  const port = CONTROL_PORT + 1;
  await guest.write(logFile, '');
  const { pid: node } = await control.call('ping', {});
  const [program = '', main = ''] = (await guest.read(`/proc/${node}/cmdline`)).split('\0');
  const { pid } = await control.call('spawn', { argv: [program, main, String(port)], logFile });
  const waiting = { path: logFile, pattern: `listening on ${port}`, timeoutMs: PATIENCE_MS };
  await control.call('waitForLine', waiting, PATIENCE_MS);
  const client = await ControlClient.connect(guest.description.ports.driver);
  const kill = async (): Promise<void> => {
    await client[Symbol.asyncDispose]();
    await control.call('kill', { pid, signal: 'SIGKILL' }).catch(() => undefined); // it may have ended by itself
    await eventually(`the end of driver ${pid}`, PATIENCE_MS, () =>
      control.call('wait', { pid, timeoutMs: PATIENCE_MS }, PATIENCE_MS),
    );
  };
  return { control: client, pid, kill, [Symbol.asyncDispose]: kill };
}
