#!/usr/bin/env node
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { TlsSource } from './agents/tls-source.ts';
import { systemClock } from './clock.ts';
import { ConfigError, type OperatorConfig, readConfig } from './config.ts';
import type { Door } from './door.ts';
import { runOperator } from './operator.ts';
import type { Log } from './reconcile/ports.ts';
import { FolderDoor } from './standalone/door.ts';
import { HealthServer } from './telemetry/health-server.ts';
import { createLog, describeError } from './telemetry/log.ts';
import { OperatorMetrics } from './telemetry/metrics.ts';

/** Exit codes beside 0: another process leads now or something failed; the command line cannot be used. */
const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;
/** A process that was told to stop is gone by then, whatever hangs. */
const STOP_LIMIT_MS = 10_000;

/** The client of the API server is large, so a bare host does not load it. */
async function openDoor(
  config: OperatorConfig,
  instance: string,
  log: Log,
  metrics: OperatorMetrics,
): Promise<Door> {
  if (config.mode === 'standalone') return new FolderDoor(config, instance, systemClock, log);
  const { KubeDoor } = await import('./kube/door.ts');
  const { webhook, leaderElection } = config;
  if (webhook === null) return new KubeDoor(config, instance, systemClock, log);
  const { Drain } = await import('./webhook/drain.ts');
  const secret = { namespace: leaderElection.namespace, name: webhook.secret };
  const answered = metrics.evictionAnswered.bind(metrics);
  return new KubeDoor(
    config,
    instance,
    systemClock,
    log,
    (transport) => new Drain({ ...webhook, secret, answered }, transport, systemClock, log),
  );
}

async function run(config: OperatorConfig, instance: string, log: Log): Promise<void> {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      log.info({ signal: name }, 'stopping');
      setTimeout(() => process.exit(EXIT_FAILURE), STOP_LIMIT_MS).unref();
      stop.abort();
    });
  }
  const { agents, concurrency } = config;
  const tls = await TlsSource.open(config.tls, systemClock, log);
  const metrics = new OperatorMetrics(log);
  const door = await openDoor(config, instance, log, metrics);
  // A process that waits to lead is ready to.
  const ready = { ...door.ready, migrations: () => door.feed.synced || !door.leading };
  const health =
    config.health === null
      ? null
      : await HealthServer.listen({ ...config.health, ready, registry: metrics.registry });
  log.info({ mode: config.mode, healthPort: health?.port ?? null }, 'started');
  try {
    const onLost = (): never => {
      log.error({}, 'leadership lost');
      process.exit(EXIT_FAILURE);
    };
    const clock = systemClock;
    await runOperator({ door, agents, tls, instance, concurrency, clock, log, metrics, onLost }, stop.signal);
  } finally {
    door.close();
    await health?.[Symbol.asyncDispose]();
  }
}

function readConfigOrExit(): OperatorConfig {
  try {
    return readConfig(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`transship-operator: ${error.message}\n`);
    process.exit(EXIT_USAGE);
  }
}

const config = readConfigOrExit();
const instance = `${hostname().slice(0, 200)}_${randomUUID()}`;
const log = createLog(config.logLevel, instance);
try {
  await run(config, instance, log);
  log.info({}, 'ended');
} catch (error) {
  log.error({ cause: describeError(error) }, 'cannot work');
  process.exitCode = EXIT_FAILURE;
}
process.exit();
