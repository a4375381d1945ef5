import { Command, Option } from 'commander';
import { z } from 'zod';
import { addDoorOptions, type DoorFlags, endpoint, tlsFiles } from './options.ts';
import { LOG_LEVELS } from './telemetry/log.ts';

const port = z.coerce.number().int().min(0).max(65_535);

const objectName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'must be the name of an object');

/** Turns evictions into migrations. */
const webhook = z.strictObject({
  host: z.string().min(1),
  port,
  /** In the namespace of the Lease. */
  secret: objectName,
  configuration: objectName,
  /** DNS names or IPv4 addresses by which the API server calls. */
  names: z
    .array(
      z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'must be a DNS name or an IPv4 address'),
    )
    .min(1, 'name what the API server calls with --webhook-name')
    .max(16),
});

const common = {
  /** Endpoints by node name; they take precedence over inventories. */
  agents: z.map(z.string().min(1), endpoint),
  tls: tlsFiles,
  /** null: no health server. */
  health: z.strictObject({ host: z.string().min(1), port }).nullable(),
  concurrency: z.coerce.number().int().min(1).max(256),
  logLevel: z.enum(LOG_LEVELS),
};

const config = z.discriminatedUnion('mode', [
  z.strictObject({
    mode: z.literal('kubernetes'),
    ...common,
    /** null: credentials of the pod, or what kubectl would use. */
    kubeconfig: z.string().min(1).nullable(),
    leaderElection: z.strictObject({ namespace: z.string().min(1), name: z.string().min(1) }),
    /** null: evictions are left alone. */
    webhook: webhook.nullable(),
  }),
  z.strictObject({ mode: z.literal('standalone'), ...common, manifests: z.string().min(1) }),
]);

/** One frozen, checked object; a union, so that neither mode carries options of the other. */
export type OperatorConfig = Readonly<z.output<typeof config>>;

/** The command line asks for something that does not go together. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

interface Flags extends DoorFlags {
  readonly leaderElectionNamespace?: string;
  readonly leaderElectionName: string;
  readonly healthHost: string;
  readonly healthPort?: string;
  readonly webhookHost: string;
  readonly webhookPort?: string;
  readonly webhookSecret: string;
  readonly webhookConfiguration: string;
  readonly webhookName: readonly string[];
  readonly concurrency: string;
  readonly logLevel: string;
}

function program(): Command {
  const command = new Command('transship-operator').description(
    'Moves sets of VFIO devices between nodes, as DeviceMigrations ask for it.',
  );
  return addDoorOptions(command)
    .addOption(
      new Option(
        '--leader-election-namespace <namespace>',
        'namespace of the Lease; needed with Kubernetes',
      ).env('TRANSSHIP_LEADER_ELECTION_NAMESPACE'),
    )
    .option('--leader-election-name <name>', 'name of the Lease', 'transship-operator')
    .option('--health-host <address>', 'address of the health server', '0.0.0.0')
    .option('--health-port <port>', 'serve /livez, /readyz and /metrics; 0: any free port')
    .option('--webhook-host <address>', 'address of the eviction webhook', '0.0.0.0')
    .option('--webhook-port <port>', 'turn evictions into migrations, as a webhook; 0: any free port')
    .option('--webhook-secret <name>', 'Secret with its certificates', 'transship-webhook-tls')
    .option('--webhook-configuration <name>', 'its ValidatingWebhookConfiguration', 'transship-eviction')
    .addOption(
      new Option('--webhook-name <name>', 'what the API server calls it by; repeatable')
        .argParser((name: string, before: readonly string[]) => [...before, name])
        .default([], 'none'),
    )
    .option('--concurrency <count>', 'migrations worked on at the same time', '16')
    .option('--log-level <level>', LOG_LEVELS.join(', '), 'info')
    .allowExcessArguments(false);
}

/**
 * Reads the command line. A usage error, and --help, end the process with commander's sentence.
 * @throws ConfigError
 */
export function readConfig(argv: readonly string[]): OperatorConfig {
  const flags = program()
    .parse([...argv], { from: 'user' })
    .opts<Flags>();
  const parsed = config.safeParse(fromFlags(flags));
  if (parsed.success) return Object.freeze(parsed.data);
  const [issue] = parsed.error.issues;
  throw new ConfigError(`${issue?.path.join('.') ?? 'options'}: ${issue?.message ?? 'cannot be used'}`);
}

function fromFlags(flags: Flags): unknown {
  const shared = {
    agents: flags.agent,
    tls: { cert: flags.tlsCert, key: flags.tlsKey, ca: flags.tlsCa },
    health: flags.healthPort === undefined ? null : { host: flags.healthHost, port: flags.healthPort },
    concurrency: flags.concurrency,
    logLevel: flags.logLevel,
  };
  if (flags.manifests !== undefined) {
    if (flags.kubeconfig !== undefined || flags.leaderElectionNamespace !== undefined) {
      throw new ConfigError(
        '--manifests works without Kubernetes; leave --kubeconfig and --leader-election-namespace out',
      );
    }
    if (flags.webhookPort !== undefined) {
      throw new ConfigError(
        '--manifests works without Kubernetes, which has no evictions; leave --webhook-port out',
      );
    }
    if (flags.agent.size === 0)
      throw new ConfigError('--manifests needs an --agent for every node; there is no inventory');
    return { mode: 'standalone', ...shared, manifests: flags.manifests };
  }
  if (flags.leaderElectionNamespace === undefined) {
    throw new ConfigError(
      'name the namespace of the Lease with --leader-election-namespace, or a folder with --manifests',
    );
  }
  const leaderElection = { namespace: flags.leaderElectionNamespace, name: flags.leaderElectionName };
  const { kubeconfig = null } = flags;
  return { mode: 'kubernetes', ...shared, kubeconfig, leaderElection, webhook: webhookOf(flags) };
}

function webhookOf(flags: Flags): unknown {
  if (flags.webhookPort === undefined) return null;
  return {
    host: flags.webhookHost,
    port: flags.webhookPort,
    secret: flags.webhookSecret,
    configuration: flags.webhookConfiguration,
    names: flags.webhookName,
  };
}
