import type { Clock, Log } from '../reconcile/ports.ts';
import { describeError } from '../telemetry/log.ts';
import type { Lease, LeaseClient, LeaseSpec } from './lease.ts';
import { microTime } from './micro-time.ts';

export interface LeaderTimes {
  /** Others take the Lease over when it has not been renewed for this long, by their own clocks. */
  readonly leaseMs: number;
  /** The holder gives up when its last renewal was sent this long ago; shorter than `leaseMs`. */
  readonly renewDeadlineMs: number;
  /** Between two attempts. */
  readonly retryMs: number;
}

export const LEADER_TIMES: LeaderTimes = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 };

const JITTER = 0.2;

/**
 * Leader election by a Lease, by the rules of client-go's leaderelection: nobody compares wall clocks, each candidate
 * counts from when it last saw the Lease change. It keeps two operators from working at once most of the time; that a
 * former leader does no harm rests on the fence, not on this.
 */
export class LeaderElector {
  readonly #lease: LeaseClient;
  readonly #identity: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #times: LeaderTimes;
  #seen: Lease | null = null;
  #seenChangeAt = 0;
  #renewedAt: number | null = null;
  /** The Lease was asked for, whatever came of it. */
  #hasAsked = false;

  constructor(
    lease: LeaseClient,
    identity: string,
    clock: Clock,
    log: Log,
    times: LeaderTimes = LEADER_TIMES,
  ) {
    this.#lease = lease;
    this.#identity = identity;
    this.#clock = clock;
    this.#log = log;
    this.#times = times;
  }

  /** The Lease is held and was renewed recently. False at once after a pause of the process, before any timer runs. */
  get leading(): boolean {
    return this.#renewedAt !== null && this.#clock.now() - this.#renewedAt < this.#times.renewDeadlineMs;
  }

  /** Waits until the Lease is held; false when aborted before. */
  async acquire(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      if (await this.#attempt(signal)) return true;
      await this.#pause(signal);
    }
    // A write that was out when the signal came may have taken the Lease all the same.
    if (this.#hasAsked) await this.#release();
    return false;
  }

  /** Renews the Lease until it is lost (`lost`) or the signal is aborted, when it is given back (`released`). */
  async hold(signal: AbortSignal): Promise<'lost' | 'released'> {
    while (this.leading) {
      await this.#pause(signal);
      if (signal.aborted) {
        await this.#release();
        return 'released';
      }
      if (!this.leading) break;
      await this.#attempt(signal);
      if (this.#seen !== null && this.#seen.spec.holderIdentity !== this.#identity) break;
    }
    // Told to stop while it could not be renewed: nobody has to wait for what is given up anyway.
    if (signal.aborted) {
      await this.#release();
      return 'released';
    }
    this.#renewedAt = null;
    return 'lost';
  }

  /** One attempt to take or renew the Lease; false when someone else holds it or the API server would not say. */
  async #attempt(signal: AbortSignal): Promise<boolean> {
    // Others start to count when they see the write, so the holder counts from before it was sent.
    const sentAt = this.#clock.now();
    try {
      const current = await this.#lease.read(this.#times.retryMs, signal);
      this.#observe(current);
      if (current !== null && !this.#isFree(current)) return false;
      this.#hasAsked = true;
      const written =
        current === null
          ? await this.#lease.create(this.#spec(null), this.#times.retryMs, signal)
          : await this.#lease.replace(current, this.#spec(current), this.#times.retryMs, signal);
      this.#observe(written);
      this.#renewedAt = sentAt;
      return true;
    } catch (error) {
      if (!signal.aborted) this.#log.warn({ cause: describeError(error) }, 'lease was not taken or renewed');
      return false;
    }
  }

  #observe(lease: Lease | null): void {
    if (lease?.metadata.resourceVersion === this.#seen?.metadata.resourceVersion) return;
    this.#seen = lease;
    this.#seenChangeAt = this.#clock.now();
  }

  #isFree({ spec }: Lease): boolean {
    const holder = spec.holderIdentity ?? '';
    if (holder === '' || holder === this.#identity) return true;
    return this.#clock.now() - this.#seenChangeAt >= this.#times.leaseMs;
  }

  #spec(current: Lease | null): LeaseSpec {
    const now = microTime(this.#clock.wallNow());
    const leaseDurationSeconds = Math.ceil(this.#times.leaseMs / 1000);
    const spec = { holderIdentity: this.#identity, leaseDurationSeconds, renewTime: now };
    if (current?.spec.holderIdentity === this.#identity) return spec;
    const leaseTransitions = current === null ? 0 : (current.spec.leaseTransitions ?? 0) + 1;
    return { ...spec, acquireTime: now, leaseTransitions };
  }

  /** Best effort: who waits would take over after `leaseMs` anyway. */
  async #release(): Promise<void> {
    const { retryMs } = this.#times;
    this.#renewedAt = null;
    try {
      const signal = AbortSignal.timeout(2 * retryMs);
      const current = await this.#lease.read(retryMs, signal);
      if (current?.spec.holderIdentity !== this.#identity) return;
      await this.#lease.replace(current, { holderIdentity: '', leaseDurationSeconds: 1 }, retryMs, signal);
    } catch (error) {
      this.#log.warn({ cause: describeError(error) }, 'lease was not given back');
    }
  }

  #pause(signal: AbortSignal): Promise<void> {
    return this.#clock.sleep(this.#times.retryMs * (1 + JITTER * Math.random()), signal);
  }
}
