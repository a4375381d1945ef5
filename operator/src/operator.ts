import { createAgentClient } from '@transship/node-agent/contract';
import { ClientPool, type EndpointSource } from './agents/pool.ts';
import type { TlsSource } from './agents/tls-source.ts';
import type { Door } from './door.ts';
import { Leftovers } from './leftovers/leftovers.ts';
import { TargetPods } from './pods/target-pods.ts';
import type { Clock, Log } from './reconcile/ports.ts';
import { Reconciler } from './reconcile/reconciler.ts';
import { WorkQueue } from './reconcile/work-queue.ts';
import { ExplicitReservation } from './reservation/explicit.ts';
import type { OperatorMetrics } from './telemetry/metrics.ts';

/** A set may stand still while its key waits, so the longest pause is short. */
const BACKOFF = { firstMs: 50, capMs: 10_000 };
const MIN_FAILURE_GAP_MS = 200;
/** Of a worker, for an agent that may be dead; one that lives answers a small question in a few milliseconds. */
const PATIENCE_MS = 1_000;

export interface OperatorOptions {
  readonly door: Door;
  /** From the command line; they take precedence over what the door knows. */
  readonly agents: ReadonlyMap<string, string>;
  readonly tls: TlsSource;
  readonly instance: string;
  readonly concurrency: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: OperatorMetrics;
  /** Another process works now. Must end this one at once, and with it whatever it has under way. */
  readonly onLost: () => never;
}

/** Waits to be the one that works, then works until told to stop. */
export async function runOperator(options: OperatorOptions, stop: AbortSignal): Promise<void> {
  const { door, clock, log, metrics, tls } = options;
  const end = new AbortController();
  const background = Promise.all([tls.run(end.signal), door.run(end.signal)]);
  const pool = new ClientPool({
    endpoints: endpointsOf(options),
    tls,
    createClient: createAgentClient,
    clock,
    log,
    patienceMs: PATIENCE_MS,
  });
  try {
    log.info({}, 'waiting to lead');
    if (!(await door.enter(stop))) return;
    log.info({}, 'leading');
    metrics.leadingChanged(true);
    await lead(options, pool, stop);
  } finally {
    end.abort();
    await background;
    pool.close();
  }
}

async function lead(options: OperatorOptions, pool: ClientPool, stop: AbortSignal): Promise<void> {
  const { door, clock, log, metrics, instance, concurrency, onLost } = options;
  const release = new AbortController();
  const held = door.hold(release.signal).then((how) => (how === 'lost' ? onLost() : undefined));
  const { store, events, nodes } = door;
  const pods =
    door.pods === undefined
      ? undefined
      : new TargetPods({ pods: door.pods, store, agents: pool, events, clock, log });
  const leftovers = new Leftovers({ store, events, agents: pool, clock, log, instance });
  const reconciler = new Reconciler({
    store,
    events,
    reservation: new ExplicitReservation(pool),
    nodes,
    ...(pods === undefined ? {} : { pods }),
    agents: pool,
    clock,
    log,
    metrics,
    instance,
    wake: (key) => queue.add(key),
    onRead: (stored) => leftovers.note(stored),
  });
  const queue = new WorkQueue({
    clock,
    concurrency,
    backoff: BACKOFF,
    minFailureGapMs: MIN_FAILURE_GAP_MS,
    observer: metrics,
    // After a pause of the process another one may work before any timer here has noticed.
    run: async (key, signal) => (door.leading ? reconciler.reconcile(key, signal) : onLost()),
  });
  const lookingAfter = leftovers.run(stop);
  await door.feed.run((key) => queue.add(key), stop);
  await lookingAfter;
  await queue.stop();
  reconciler.close();
  release.abort();
  await held;
}

function endpointsOf({ agents, door }: OperatorOptions): EndpointSource {
  return { endpoint: (nodeName) => agents.get(nodeName) ?? door.endpoints.endpoint(nodeName) };
}
