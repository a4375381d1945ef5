import { readdir, readFile } from 'node:fs/promises';
import type { FaultRig } from './fault-rig.ts';

/** Programs that work in the rig's folder and are none of those it runs, by pid and command line. */
export async function strayProcesses({ directory, nodes, operator }: FaultRig): Promise<string[]> {
  const known = new Set([
    operator.pid,
    ...nodes.flatMap(({ agent, emulator }) => [agent.process.pid, emulator.process.pid]),
  ]);
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/u.test(name)).map(Number);
  const lines = await Promise.all(
    pids.map(async (pid) => {
      // One that has ended since has no command line any more.
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return { pid, line: line.replaceAll('\0', ' ') };
    }),
  );
  return lines
    .filter(({ pid, line }) => line.includes(directory) && !known.has(pid))
    .map(({ pid, line }) => `process ${pid}: ${line.slice(0, 120)}`);
}
