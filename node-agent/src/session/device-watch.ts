import { every } from '../clock.ts';
import type { Clock } from '../clock.ts';
import type { AgentEvent } from '../core/effects.ts';
import { bindsDevices } from '../core/phase.ts';
import type { Devices } from '../device/port.ts';
import type { SessionRegistry } from './registry.ts';
import type { SessionRunner } from './runner.ts';

const INTERVAL_MS = 1_000;

/** Of the devices of one runner, by their index. */
interface Looks {
  /** Whose last look waits for its turn, as it does while the journal cannot be written. */
  readonly waiting: Set<number>;
  /** What was told last, so that nothing is told twice. */
  readonly told: Map<number, string>;
}

/**
 * Asks every device of every session, as long as it has nothing else to do, whether it still is the one that the
 * session knows: it may have been reset behind our back, or its server may have died and come back.
 */
export class DeviceWatch {
  readonly #registry: SessionRegistry;
  readonly #devices: Devices;
  readonly #clock: Clock;
  /** By its runner: one that ends before a look has its turn leaves nothing behind for the next of the same migration. */
  readonly #looks = new WeakMap<SessionRunner, Looks>();

  constructor(registry: SessionRegistry, devices: Devices, clock: Clock) {
    this.#registry = registry;
    this.#devices = devices;
    this.#clock = clock;
  }

  /** Runs until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    await every(this.#clock, INTERVAL_MS, signal, () => this.look());
  }

  /** One round over all devices. */
  async look(): Promise<void> {
    const strangers = this.#devices.all.map((device) => this.#registry.assess(device.id));
    const bound = this.#registry.runners.flatMap((runner) =>
      (runner.session?.devices ?? []).map((_, index) => this.#ask(runner, index)),
    );
    await Promise.all([...strangers, ...bound]);
  }

  async #ask(runner: SessionRunner, index: number): Promise<void> {
    const operations = runner.operations(index);
    const { waiting } = this.#looksOf(runner);
    if (!isIdle(runner, index) || waiting.has(index)) return;
    const { id } = runner.state?.session.devices[index] ?? { id: '' };
    const seen = await this.#devices.get(id)?.observe();
    if (seen === undefined) return;
    const { state, incarnation } = seen;
    waiting.add(index);
    runner.postLater(() => {
      waiting.delete(index);
      // The answer is of no use when an operation began since, whether or not it has ended.
      const isFresh = isIdle(runner, index) && runner.operations(index) === operations;
      return Promise.resolve(isFresh ? this.#news(runner, index, state, incarnation) : null);
    });
  }

  #looksOf(runner: SessionRunner): Looks {
    const known = this.#looks.get(runner) ?? { waiting: new Set(), told: new Map() };
    this.#looks.set(runner, known);
    return known;
  }

  #news(
    runner: SessionRunner,
    index: number,
    state: Extract<AgentEvent, { kind: 'incarnationChanged' }>['state'],
    incarnation: string,
  ): AgentEvent | null {
    const bound = runner.state?.session.devices[index];
    const live = runner.state?.live.devices[index];
    if (bound === undefined || live === undefined) return null;
    const isAnswering = state !== 'Unknown';
    const isOther = isAnswering && incarnation !== bound.incarnation;
    const cameOrWent = isAnswering !== (live.state !== 'Unknown');
    if (!isOther && !cameOrWent) return null;
    const { told } = this.#looksOf(runner);
    const news = `${state} ${incarnation} ${bound.incarnation}`;
    if (!cameOrWent && told.get(index) === news) return null;
    told.set(index, news);
    // One that went is not another one: what it is will be seen when it comes back.
    return {
      kind: 'incarnationChanged',
      device: index,
      incarnation: isAnswering ? incarnation : bound.incarnation,
      state,
    };
  }
}

function isIdle(runner: SessionRunner, index: number): boolean {
  const { state } = runner;
  return state !== null && bindsDevices(state.session.phase) && state.live.devices[index]?.op === null;
}
