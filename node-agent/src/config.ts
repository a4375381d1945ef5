import { Command } from 'commander';
import { z } from 'zod';
import { DEFAULT_TRANSFER, MAX_FRAME_BYTES } from './transfer/frame.ts';
import { DEFAULT_FINAL_PASS } from './transfer/workload-source.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** An IPv6 address may come without its brackets, as from the pod's status: the port is behind the last colon. */
const endpoint = z
  .string()
  .regex(/^[^\s/]{1,255}:[0-9]{1,5}$/, 'must be HOST:PORT')
  .transform((text) => {
    const [host, port] = [text.slice(0, text.lastIndexOf(':')), text.slice(text.lastIndexOf(':') + 1)];
    return host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : text;
  });
const port = z.coerce.number().int().min(0).max(65_535);
const duration = z
  .string()
  .regex(/^[0-9]+(ms|s|m)$/, 'must be a duration such as 500ms, 60s or 5m')
  .transform(
    (text) => Number.parseInt(text, 10) * (text.endsWith('ms') ? 1 : text.endsWith('s') ? 1_000 : 60_000),
  )
  .pipe(
    z
      .int()
      .min(100)
      .max(24 * 60 * 60_000),
  );

/** As long as a Unix socket's may be. */
const socketPath = z.string().max(107).regex(/^\//, 'must be an absolute path');
/** `vendor/name` of a device plugin, or the name of a DRA driver. */
const resourceName = z
  .string()
  .max(317)
  .regex(/^[A-Za-z0-9]([-A-Za-z0-9._/]*[A-Za-z0-9])?$/, 'must be the name of a resource or of a DRA driver');

const config = z
  .strictObject({
    nodeName: z.string().regex(/^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/, 'must be the name of a node'),
    listen: endpoint,
    /** null: the address it listens on. */
    advertise: endpoint.nullable(),
    tls: z.strictObject({ cert: z.string().min(1), key: z.string().min(1), ca: z.string().min(1) }),
    stateDir: z.string().min(1),
    devices: z.string().min(1),
    /** null: no health server. */
    healthPort: port.nullable(),
    publishInventory: z.boolean(),
    /** null: the kubelet is not asked which pods have which devices. */
    podResources: z.strictObject({ socket: socketPath, managed: z.array(resourceName).max(64) }).nullable(),
    /** null: credentials of the pod, or what kubectl would use. */
    kubeconfig: z.string().min(1).nullable(),
    operatorTimeoutMs: duration,
    operationTimeoutMs: duration,
    transfer: z.strictObject({
      windowBytes: z.coerce
        .number()
        .int()
        .min(1)
        .max(1024 * 1024 * 1024),
      frameBytes: z.coerce.number().int().min(1).max(MAX_FRAME_BYTES),
    }),
    finalPass: z.strictObject({
      bytes: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
      timeoutMs: duration,
    }),
    logLevel: z.enum(LOG_LEVELS),
  })
  .refine(({ transfer }) => transfer.frameBytes <= transfer.windowBytes, {
    message: '--frame-bytes must not be larger than --window-bytes',
  });

/** One frozen, checked object. */
export type AgentConfig = Readonly<z.output<typeof config>>;

/** The command line asks for something that does not go together. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

function program(): Command {
  return new Command('transship-agent')
    .description('Moves the state of VFIO devices of this node, as operators order it.')
    .requiredOption('--node-name <name>', 'name of this node')
    .requiredOption(
      '--listen <host:port>',
      'where to serve operators and other agents; port 0: any free port',
    )
    .option('--advertise <host:port>', 'where other agents reach this one; default: where it listens')
    .requiredOption('--tls-cert <path>', 'certificate chain that names this node, PEM')
    .requiredOption('--tls-key <path>', 'its key, PEM')
    .requiredOption('--tls-ca <path>', 'authorities that sign the certificates of operators and agents, PEM')
    .requiredOption('--state-dir <dir>', 'where the journal is kept; must survive the agent')
    .requiredOption('--devices <path>', 'YAML file that lists the devices of this node')
    .option('--health-port <port>', 'serve /livez, /readyz and /metrics; 0: any free port')
    .option('--publish-inventory', 'keep the NodeDeviceInventory of this node', false)
    .option(
      '--pod-resources <socket>',
      'ask the kubelet which pods have which devices; its socket is /var/lib/kubelet/pod-resources/kubelet.sock',
    )
    .option(
      '--pod-resource-names <name>',
      'a resource, or DRA driver, whose devices are those of the devices file; may be repeated',
      (name: string, names: readonly string[]) => [...names, name],
      [],
    )
    .option('--kubeconfig <path>', 'credentials; default: those of the pod, else what kubectl would use')
    .option(
      '--operator-timeout <duration>',
      'without an operator for this long, an unstopped set is rolled back',
      '60s',
    )
    .option(
      '--operation-timeout <duration>',
      'a device operation that takes longer is reported as stuck',
      '30s',
    )
    .option('--window-bytes <bytes>', 'memory for each outgoing stream', String(DEFAULT_TRANSFER.windowBytes))
    .option('--frame-bytes <bytes>', 'largest frame of a stream', String(DEFAULT_TRANSFER.frameBytes))
    .option(
      '--final-pass-bytes <bytes>',
      'what a workload may send once its set has stopped',
      String(DEFAULT_FINAL_PASS.bytes),
    )
    .option(
      '--final-pass-timeout <duration>',
      'how long it may take to send that; the set stands still meanwhile',
      `${DEFAULT_FINAL_PASS.timeoutMs / 60_000}m`,
    )
    .option('--log-level <level>', LOG_LEVELS.join(', '), 'info');
}

/** Parses the arguments after the program's name. @throws ConfigError with every mistake in it. */
export function parseConfig(args: readonly string[]): AgentConfig {
  const flags = program()
    .parse(args, { from: 'user' })
    .opts<Record<string, string | boolean | readonly string[] | undefined>>();
  const managed = flags['podResourceNames'];
  const socket = flags['podResources'];
  if (socket === undefined && Array.isArray(managed) && managed.length > 0)
    throw new ConfigError('--pod-resource-names goes with --pod-resources');
  const parsed = config.safeParse({
    nodeName: flags['nodeName'],
    listen: flags['listen'],
    advertise: flags['advertise'] ?? null,
    tls: { cert: flags['tlsCert'], key: flags['tlsKey'], ca: flags['tlsCa'] },
    stateDir: flags['stateDir'],
    devices: flags['devices'],
    healthPort: flags['healthPort'] ?? null,
    publishInventory: flags['publishInventory'],
    podResources: socket === undefined ? null : { socket, managed },
    kubeconfig: flags['kubeconfig'] ?? null,
    operatorTimeoutMs: flags['operatorTimeout'],
    operationTimeoutMs: flags['operationTimeout'],
    transfer: { windowBytes: flags['windowBytes'], frameBytes: flags['frameBytes'] },
    finalPass: { bytes: flags['finalPassBytes'], timeoutMs: flags['finalPassTimeout'] },
    logLevel: flags['logLevel'],
  });
  if (!parsed.success) throw new ConfigError(z.prettifyError(parsed.error));
  return Object.freeze(parsed.data);
}
