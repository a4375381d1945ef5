import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { TestPki } from '../support/certificates.ts';
import { startAgent, startEmulator } from '../support/processes.ts';
import type { RunningAgentProcess, RunningEmulator } from '../support/processes.ts';

export const SOURCE = 'gpu-a';
export const TARGET = 'gpu-b';

/** One node as the demonstration has it: a process with its devices and an agent. */
export interface DemoNode {
  readonly name: string;
  readonly emulator: RunningEmulator;
  readonly agent: RunningAgentProcess;
}

export interface NodeOptions {
  readonly name: string;
  readonly directory: string;
  readonly devices: number;
  readonly memory: string;
  readonly pki: TestPki;
  /** The node where the workload is at the beginning. */
  readonly busy: boolean;
  readonly agentArgs?: readonly string[];
}

/**
 * Every device writes to every other. A link carries 500 transactions a second, each 10 ms under way, so about five are
 * in flight on it at any moment: a device that stopped before all are quiesced would lose some.
 */
const FABRIC = ['--topology', 'mesh', '--link-latency', '10ms', '--link-rate', '500'] as const;
/** What each device rewrites of its memory while it is copied, bytes a second. */
const DIRTY_RATE = '2M';

/** Starts the emulator of a node, other contents each time, then its agent. Both end with `stack`. */
export async function startNode(options: NodeOptions, stack: AsyncDisposableStack): Promise<DemoNode> {
  const { name, directory, devices, memory, pki, busy, agentArgs = [] } = options;
  const seed = randomBytes(8).readBigUInt64LE();
  const folder = join(directory, name);
  const emulator = stack.use(
    await startEmulator({
      directory: folder,
      node: name,
      devices,
      memory,
      args: [
        ...FABRIC,
        '--keep-digests',
        ...['--dirty-rate', DIRTY_RATE, '--seed', String(seed), '--traffic', busy ? 'on' : 'off'],
      ],
    }),
  );
  const agent = stack.use(
    await startAgent({ directory: folder, emulator, tls: pki.node(name), args: agentArgs }),
  );
  return { name, emulator, agent };
}
