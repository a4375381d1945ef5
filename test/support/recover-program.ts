/** Runs the built program `transship` as a person would. */
import { join } from 'node:path';
import { ManagedProcess } from './managed-process.ts';
import { projectRoot } from './processes.ts';
import type { TwoNodes } from './two-nodes.ts';

/** To end a test whose program hangs. */
const DEADLINE_MS = 180_000;

export interface Ended {
  readonly code: number | null;
  readonly said: string;
}

let runs = 0;

/** Starts `transship recover` with these arguments, in the environment of an operator's container. */
export function startRecoverIn(
  directory: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[],
): ManagedProcess {
  runs += 1;
  return new ManagedProcess({
    name: `transship recover ${args.join(' ')}`,
    program: process.execPath,
    args: [join(projectRoot, 'operator', 'dist', 'cli', 'main.js'), 'recover', ...args],
    logFile: join(directory, `recover-${runs}.log`),
    env,
  });
}

/** Waits for its end. */
export async function endOf(program: ManagedProcess): Promise<Ended> {
  await program.waitForLog(() => (program.running ? null : true), DEADLINE_MS);
  return { code: program.exitCode, said: await program.log() };
}

/** Starts it beside two nodes and their folder of manifests. */
export function startRecover(nodes: TwoNodes, ...args: readonly string[]): ManagedProcess {
  const { operator: tls } = nodes.pki;
  const agents = nodes.nodes.map(({ node, agent }) => `${node}=${agent.endpoint}`);
  const env = {
    TRANSSHIP_MANIFESTS: join(nodes.directory, 'manifests'),
    TRANSSHIP_AGENTS: agents.join(','),
    TRANSSHIP_TLS_CERT: tls.cert,
    TRANSSHIP_TLS_KEY: tls.key,
    TRANSSHIP_TLS_CA: tls.ca,
  };
  return startRecoverIn(nodes.directory, env, args);
}

/** Runs it to its end. */
export async function runRecover(nodes: TwoNodes, ...args: readonly string[]): Promise<Ended> {
  await using program = startRecover(nodes, ...args);
  return await endOf(program);
}
