import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import type { DeviceDescription } from '../contract/description.ts';
import type { StreamProgress } from '../core/stream.ts';
import type { SessionRegistry } from '../session/registry.ts';
import type { StreamListener, Streams } from '../session/ports.ts';

/** Everything the agent counts. */
export class AgentMetrics {
  readonly registry = new Registry();
  readonly #bytes = new Counter({
    name: 'transship_agent_stream_bytes_total',
    help: 'Bytes of device, externals and workload streams, by the role of this node',
    labelNames: ['role'],
    registers: [this.registry],
  });
  readonly #failures = new Counter({
    name: 'transship_agent_stream_failures_total',
    help: 'Generations whose streams could not go on, by code',
    labelNames: ['role', 'code'],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Gauges that look at the sessions and devices whenever they are asked for. */
  watch(sessions: SessionRegistry, describe: () => Promise<readonly DeviceDescription[]>): void {
    const sessionsByPhase = new Gauge({
      name: 'transship_agent_sessions',
      help: 'Sessions in the journal, by role and phase',
      labelNames: ['role', 'phase'],
      registers: [this.registry],
      collect: () => {
        sessionsByPhase.reset();
        for (const { session } of sessions.runners) {
          if (session !== null) sessionsByPhase.inc({ role: session.role, phase: session.phase });
        }
      },
    });
    const devicesByHealth = new Gauge({
      name: 'transship_agent_devices',
      help: 'Devices of this node, by health',
      labelNames: ['health'],
      registers: [this.registry],
      collect: async () => {
        const devices = await describe();
        devicesByHealth.reset();
        for (const { health } of devices) devicesByHealth.inc({ health });
      },
    });
  }

  /** The same streams, counted. */
  metered(streams: Streams): Streams {
    return {
      save: (order, listener) => streams.save(order, this.#counted('source', listener)),
      load: (order, listener) => streams.load(order, this.#counted('target', listener)),
      review: (uid) => streams.review(uid),
    };
  }

  #counted(role: 'source' | 'target', listener: StreamListener): StreamListener {
    let counted = 0;
    return {
      onProgress: (progress) => {
        const bytes = sumOf(progress);
        this.#bytes.inc({ role }, Math.max(0, bytes - counted));
        counted = bytes;
        listener.onProgress(progress);
      },
      onFailure: (why) => {
        this.#failures.inc({ role, code: why.code });
        listener.onFailure(why);
      },
    };
  }
}

const sumOf = (progress: readonly StreamProgress[]): number =>
  progress.reduce((sum, { totals }) => sum + totals.bytes, 0);
