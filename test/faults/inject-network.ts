/** Faults of the network between operator and agents, and of what is delivered over it. */
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/managed-process.ts';
import { duplicate } from './duplicate.ts';
import type { Injection, Proof, Scene } from './injection.ts';
import type { FaultProxy, ProxyCounters } from './rig/fault-proxy.ts';

const PATIENCE_MS = 120_000;
/** Longer than the keepalive of a pull, which is 1 s and 4 s; far below the 30 s after which a side is given up. */
const SILENCE_MS = 6_500;
const SLOW_MS = 1_500;
const SLOW_RATE = 16_000;
/** Something passes a connection that is alive at least this often; a connection that stands still waits for its hold. */
const TRAFFIC_MS = 3_000;

const nothing = (): Promise<void> => Promise.resolve();

const sum = (proxies: readonly FaultProxy[], counter: keyof ProxyCounters): number =>
  proxies.reduce((total, { counters }) => total + counters[counter], 0);

/** Does something to every connection, and takes the counter that it raises as the proof. */
function connections(
  counter: keyof ProxyCounters,
  options: {
    readonly does: (proxy: FaultProxy) => void;
    /** How long it lasts, ms; 0: it ends by itself. */
    readonly forMs: number;
    readonly when: 'held' | 'released';
  },
): Injection {
  const before = new WeakMap<Scene, number>();
  const proofs = new WeakMap<Scene, Proof>();
  const look = async (scene: Scene): Promise<Proof | null> => {
    const known = proofs.get(scene);
    if (known !== undefined) return known;
    const more = sum(scene.rig.proxies, counter) - (before.get(scene) ?? 0);
    if (more === 0) return null;
    const proof = { step: await scene.watch.step(), evidence: `proxies: ${counter} +${more}` };
    // Several may look at the same time; the first to look was nearest to it.
    if (!proofs.has(scene)) proofs.set(scene, proof);
    return proofs.get(scene) ?? proof;
  };
  return {
    when: () => options.when,
    strike: async (scene) => {
      before.set(scene, sum(scene.rig.proxies, counter));
      for (const proxy of scene.rig.proxies) {
        proxy.onMeet = (): void => void look(scene);
        options.does(proxy);
      }
      // What is held here may pass only when the hold ends.
      await eventually('the fault meets traffic', TRAFFIC_MS, () => look(scene)).catch(() => undefined);
      if (options.when === 'held' && options.forMs > 0) await delay(options.forMs);
    },
    prove: (scene) => eventually('the fault meets traffic', PATIENCE_MS, () => look(scene)),
    lift: async ({ rig }) => {
      if (options.when === 'released' && options.forMs > 0) await delay(options.forMs);
      for (const proxy of rig.proxies) {
        proxy.onMeet = (): void => undefined;
        proxy.free();
      }
    },
  };
}

export const networkFaults = {
  cut: connections('cut', { does: (proxy) => proxy.cut(), forMs: 0, when: 'held' }),
  stalled: connections('held', { does: (proxy) => proxy.stall(), forMs: SILENCE_MS, when: 'held' }),
  slow: connections('slowed', { does: (proxy) => proxy.slow(SLOW_RATE), forMs: SLOW_MS, when: 'released' }),
  corrupted: connections('altered', { does: (proxy) => proxy.alterNext(), forMs: 0, when: 'released' }),
  duplicated: duplicated(),
} as const satisfies Readonly<Record<string, Injection>>;

/** Sends what the operator sent last once more, and something older, with the operator's identity. */
function duplicated(): Injection {
  const proofs = new WeakMap<Scene, Proof>();
  return {
    when: () => 'held',
    strike: async (scene) => {
      const step = await scene.watch.step();
      proofs.set(scene, { step, evidence: await duplicate(scene) });
    },
    prove: async (scene) => proofs.get(scene) ?? { step: null, evidence: null },
    lift: nothing,
  };
}
