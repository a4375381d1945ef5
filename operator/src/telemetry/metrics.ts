import { type DecisionValue, isTerminal, type Phase } from '@transship/crds';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { MigrationKey, Metrics, ReconcileResult, WriteOutcome } from '../reconcile/ports.ts';
import type { QueueObserver } from '../reconcile/work-queue.ts';
import { describeError } from './log.ts';
import type { Log } from '../reconcile/ports.ts';

/** controller-runtime's label of its queue and controller series. */
const NAME = 'devicemigration';
/** From a millisecond, in which a queue is empty, to the minutes of a run that waits for an agent. */
const WORK_SECONDS = [0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10, 30, 60];
/** From a set that moves within a frame to one that a user notices and gives up on. */
const DOWNTIME_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120];

/** Everything the operator counts. Names of queue and reconcile series are controller-runtime's, so dashboards fit. */
export class OperatorMetrics implements Metrics, QueueObserver {
  readonly registry = new Registry();
  readonly #log: Log;
  readonly #phases = this.#counter('transship_migration_phases_total', 'Phases entered', ['phase']);
  readonly #ended = this.#counter('transship_migrations_ended_total', 'Migrations that ended', ['phase']);
  readonly #decisions = this.#counter('transship_decision_writes_total', 'Decision writes', [
    'decision',
    'outcome',
  ]);
  readonly #commands = this.#counter('transship_agent_commands_total', 'Commands to agents', [
    'command',
    'outcome',
  ]);
  readonly #vanished = this.#counter(
    'transship_stopped_sets_vanished_total',
    'Objects that vanished while their set was stopped',
    [],
  );
  readonly #evictions = this.#counter('transship_evictions_total', 'Evictions answered by the webhook', [
    'answer',
  ]);
  readonly #downtime = this.#histogram(
    'transship_migration_downtime_seconds',
    'Freeze to thaw',
    DOWNTIME_SECONDS,
    ['phase'],
  );
  readonly #leading = new Gauge({
    name: 'leader_election_master_status',
    help: '1 while this process leads',
    labelNames: ['name'],
    registers: [this.registry],
  });
  readonly #depth = new Gauge({
    name: 'workqueue_depth',
    help: 'Keys that wait for a worker',
    labelNames: ['name'],
    registers: [this.registry],
  });
  readonly #adds = this.#counter('workqueue_adds_total', 'Keys queued', ['name']);
  readonly #retries = this.#counter('workqueue_retries_total', 'Runs that failed and are repeated', ['name']);
  readonly #waited = this.#histogram('workqueue_queue_duration_seconds', 'Wait for a worker', WORK_SECONDS, [
    'name',
  ]);
  readonly #worked = this.#histogram('workqueue_work_duration_seconds', 'Time of a run', WORK_SECONDS, [
    'name',
  ]);
  readonly #runs = this.#counter('controller_runtime_reconcile_total', 'Runs', ['controller', 'result']);

  constructor(log: Log) {
    this.#log = log;
    collectDefaultMetrics({ register: this.registry });
    this.#leading.set({ name: NAME }, 0);
    this.#depth.set({ name: NAME }, 0);
  }

  phaseEntered(phase: Phase): void {
    this.#phases.inc({ phase });
  }

  decisionRecorded(decision: DecisionValue, outcome: WriteOutcome['kind']): void {
    this.#decisions.inc({ decision, outcome });
  }

  migrationEnded(phase: Phase, downtimeMs: number | null): void {
    if (!isTerminal(phase)) return;
    this.#ended.inc({ phase });
    if (downtimeMs !== null) this.#downtime.observe({ phase }, downtimeMs / 1000);
  }

  commandAnswered(command: string, outcome: 'obeyed' | 'refused' | 'unreachable'): void {
    this.#commands.inc({ command, outcome });
  }

  stoppedSetVanished(): void {
    this.#vanished.inc();
  }

  evictionAnswered(answer: 'allow' | 'hold' | 'evacuate' | 'unknown'): void {
    this.#evictions.inc({ answer });
  }

  leadingChanged(leading: boolean): void {
    this.#leading.set({ name: NAME }, leading ? 1 : 0);
  }

  added(depth: number): void {
    this.#adds.inc({ name: NAME });
    this.#depth.set({ name: NAME }, depth);
  }

  started(_key: MigrationKey, waitedMs: number, depth: number): void {
    this.#waited.observe({ name: NAME }, waitedMs / 1000);
    this.#depth.set({ name: NAME }, depth);
  }

  finished(_key: MigrationKey, tookMs: number, result: ReconcileResult): void {
    this.#worked.observe({ name: NAME }, tookMs / 1000);
    this.#runs.inc({ controller: NAME, result: result.kind === 'done' ? 'success' : 'requeue_after' });
  }

  failed(key: MigrationKey, tookMs: number, error: unknown, retryInMs: number): void {
    this.#worked.observe({ name: NAME }, tookMs / 1000);
    this.#runs.inc({ controller: NAME, result: 'error' });
    this.#retries.inc({ name: NAME });
    const fields = { ...key, cause: describeError(error), retryInMs: Math.round(retryInMs) };
    this.#log.error(fields, 'reconcile failed');
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  #histogram<Label extends string>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: readonly Label[],
  ): Histogram<Label> {
    return new Histogram({ name, help, buckets, labelNames, registers: [this.registry] });
  }
}
