/** The two example workloads, as a node starts them. */
import { join } from 'node:path';
import { projectRoot } from '../../support/processes.ts';
import { runTool } from '../../cluster/rig/tool.ts';
import type { WorkloadPlace } from './node.ts';

const BUILD_DEADLINE_MS = 60 * 60_000;

/** Builds the workload that drives a device, unless the cache has it; returns its program. */
export async function exampleWorkload(): Promise<string> {
  const script = join(projectRoot, 'test/kernel/assets/workload.sh');
  const { code, stdout, stderr } = await runTool(script, [], {
    env: process.env,
    timeoutMs: BUILD_DEADLINE_MS,
  });
  if (code !== 0) throw new Error(`workload.sh failed: ${stderr.trim()}`);
  return stdout.trim();
}

/** Drives its only device: writes a numbered byte sequence through it and checks what comes back. */
export const drivesDevice =
  (program: string, args: readonly string[] = []) =>
  ({ hook, brokerSocket, devices, incoming, statusFile }: WorkloadPlace): readonly string[] => [
    // It never rests, and the agent is to be heard where both have one slow processor.
    ...['nice', '-n', '15', program],
    ...['--hook', hook, '--broker', brokerSocket, '--device', devices[0] ?? ''],
    ...['--memory', '262144', '--status', statusFile],
    ...(incoming ? ['--incoming'] : []),
    ...args,
  ];

/** Has a counter and memory for its state and leaves its devices alone, which are busy with each other. */
export const countsBeside = ({ hook, devices, incoming }: WorkloadPlace): readonly string[] => [
  process.execPath,
  join(projectRoot, 'examples/workload/node/hook.mjs'),
  ...['--socket', hook],
  ...devices.flatMap((device) => ['--device', device]),
  ...(incoming ? ['--incoming'] : []),
];
