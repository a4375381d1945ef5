import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';

export const endpoint = z.string().regex(/^[^\s/]{1,255}:[0-9]{1,5}$/, 'must be HOST:PORT');

/** PEM files. */
export const tlsFiles = z.strictObject({
  cert: z.string().min(1),
  key: z.string().min(1),
  ca: z.string().min(1),
});

/** Flags of every program that reads records and talks to agents. */
export interface DoorFlags {
  readonly manifests?: string;
  readonly agent: ReadonlyMap<string, string>;
  readonly kubeconfig?: string;
  readonly tlsCert: string;
  readonly tlsKey: string;
  readonly tlsCa: string;
}

/** One `NODE=HOST:PORT`, or several with commas between them, as in an environment variable. */
function collectAgents(text: string, before: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const agents = new Map(before);
  for (const one of text.split(',')) {
    const [nodeName, address, ...rest] = one.split('=');
    if (!nodeName || address === undefined || rest.length > 0 || !endpoint.safeParse(address).success) {
      throw new InvalidArgumentError('write NODE=HOST:PORT, such as gpu-a=10.0.0.1:7443');
    }
    if (agents.has(nodeName)) throw new InvalidArgumentError(`node ${nodeName} is given twice`);
    agents.set(nodeName, address);
  }
  return agents;
}

const mandatory = (flags: string, description: string, variable: string): Option =>
  new Option(flags, description).env(variable).makeOptionMandatory();

/**
 * Where the records are, and how to reach the agents. Each flag may be given by an environment variable instead, so that
 * one configuration of a container serves every program in it.
 */
export function addDoorOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--manifests <dir>', 'work on a folder of manifests, without Kubernetes').env(
        'TRANSSHIP_MANIFESTS',
      ),
    )
    .addOption(
      new Option('--agent <node=host:port>', 'where the agent of a node listens; repeatable')
        .env('TRANSSHIP_AGENTS')
        .argParser(collectAgents)
        .default(new Map(), 'none'),
    )
    .addOption(
      new Option(
        '--kubeconfig <path>',
        'credentials; default: those of the pod, else what kubectl would use',
      ).env('TRANSSHIP_KUBECONFIG'),
    )
    .addOption(
      mandatory('--tls-cert <path>', 'certificate chain that names the operator, PEM', 'TRANSSHIP_TLS_CERT'),
    )
    .addOption(mandatory('--tls-key <path>', 'its key, PEM', 'TRANSSHIP_TLS_KEY'))
    .addOption(
      mandatory(
        '--tls-ca <path>',
        'authorities that sign the certificates of the agents, PEM',
        'TRANSSHIP_TLS_CA',
      ),
    );
}
