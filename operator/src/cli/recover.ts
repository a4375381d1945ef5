import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { createAgentClient } from '@transship/node-agent/contract';
import { ClientPool } from '../agents/pool.ts';
import { TlsSource } from '../agents/tls-source.ts';
import { systemClock } from '../clock.ts';
import { recover, type Outcome } from '../recover/run.ts';
import type { Log } from '../reconcile/ports.ts';
import { describeError } from '../telemetry/log.ts';
import { type CliDoor, DoorClosedError } from './door.ts';
import { EXIT } from './exit.ts';
import { openFolder } from './folder-door.ts';
import type { RecoverConfig } from './recover-options.ts';
import { jsonReport, type Report, textReport } from './report.ts';
import { stderrLog } from './stderr-log.ts';

const EXIT_OF: Readonly<Record<Outcome['kind'], number>> = {
  done: EXIT.done,
  nothing: EXIT.done,
  wouldAct: EXIT.wouldAct,
  refused: EXIT.refused,
  failed: EXIT.failed,
};

/** Runs one recovery and tells how it came out. @returns the exit code */
export async function runRecover(config: RecoverConfig, stop: AbortSignal): Promise<number> {
  const write = (line: string): void => void process.stdout.write(`${line}\n`);
  const report = config.json ? jsonReport(write) : textReport(write);
  const limit = AbortSignal.any([stop, AbortSignal.timeout(config.timeoutMs)]);
  const outcome = await attempt(config, report, limit);
  report.ended(outcome);
  return EXIT_OF[outcome.kind];
}

async function attempt(config: RecoverConfig, report: Report, signal: AbortSignal): Promise<Outcome> {
  try {
    return await withDoor(config, signal, report);
  } catch (error) {
    const { code = 'Internal', message } = describeError(error);
    if (signal.aborted)
      return { kind: 'failed', code: 'DeadlineExceeded', reason: 'told to stop, or out of time' };
    if (error instanceof DoorClosedError) return { kind: 'failed', code: 'FenceConflict', reason: message };
    return { kind: 'failed', code, reason: `${code}: ${message}` };
  }
}

async function withDoor(
  { request, key, yes, flags }: RecoverConfig,
  signal: AbortSignal,
  report: Report,
): Promise<Outcome> {
  const instance = `recover_${hostname().slice(0, 200)}_${randomUUID()}`;
  const log = stderrLog('transship recover');
  const files = { cert: flags.tlsCert, key: flags.tlsKey, ca: flags.tlsCa };
  const tls = await TlsSource.open(files, systemClock, log);
  const door = await openDoor(flags, instance, log, signal);
  const pool = new ClientPool({
    endpoints: { endpoint: (node) => flags.agent.get(node) ?? door.endpoint(node) },
    tls,
    createClient: createAgentClient,
    clock: systemClock,
    log,
    // Whoever is said to be silent here may be declared dead.
    patienceMs: null,
  });
  try {
    const ports = {
      store: door.store,
      find: door.find,
      nodes: () => [...new Set([...flags.agent.keys(), ...door.nodes()])],
      agent: (node: string) => pool.agent(node),
      clock: systemClock,
      instance,
    };
    const options = { request, key, yes, enter: (limit: AbortSignal) => door.enter(limit) };
    return await recover(ports, options, report, signal);
  } finally {
    pool.close();
    await door.close();
  }
}

/** The client of the API server is large, so a bare host does not load it. */
async function openDoor(
  { manifests, kubeconfig }: RecoverConfig['flags'],
  instance: string,
  log: Log,
  signal: AbortSignal,
): Promise<CliDoor> {
  if (manifests !== undefined) return openFolder(manifests, instance, systemClock, log);
  const { openCluster } = await import('./kube-door.ts');
  return openCluster(kubeconfig ?? null, systemClock, log, signal);
}
