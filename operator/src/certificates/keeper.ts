import type { Clock, Log } from '../reconcile/ports.ts';
import { describeError } from '../telemetry/log.ts';
import { issueAuthority, issueServing } from './issue.ts';
import type { Pair } from './pair.ts';
import { bundleOf, type Held, type Lifetimes, LIFETIMES, nextStep, type Step } from './plan.ts';
import type { CertificateSecret } from './secret.ts';

/** Who has to trust the certificates. */
export interface Trust {
  /**
   * Makes the API server trust the authorities of the bundle, PEM.
   * @returns whether it did already
   */
  publish(bundle: string, signal: AbortSignal): Promise<boolean>;
}

export interface KeeperOptions {
  readonly secret: Pick<CertificateSecret, 'read' | 'write'>;
  readonly trust: Trust;
  /** DNS names and addresses by which the API server calls. */
  readonly names: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  readonly lifetimes?: Lifetimes;
}

const PASS_MS = 15_000;
const JITTER = 0.2;

/**
 * Keeps the Secret's certificates fresh and the API server's trust complete; run by the leader. An authority is trusted
 * before anything signed by it is shown, and stays trusted while something signed by it may be.
 */
export class CertificateKeeper {
  readonly #options: KeeperOptions;
  readonly #lifetimes: Lifetimes;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#lifetimes = options.lifetimes ?? LIFETIMES;
  }

  /** Resolves once aborted; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.pass(signal);
      } catch (error) {
        if (!signal.aborted) log.warn({ cause: describeError(error) }, 'webhook certificates were not kept');
      }
      await clock.sleep(PASS_MS * (1 + JITTER * Math.random()), signal);
    }
  }

  /**
   * One look and at most one step.
   * @returns what was done
   * @throws as the Secret and the trust do
   */
  async pass(signal: AbortSignal): Promise<Step> {
    const { secret, trust, names, clock, log } = this.#options;
    const now = clock.wallNow();
    const read = await secret.read(signal);
    const { held } = read;
    const published = held !== null && (await trust.publish(held.bundle, signal));
    const step = nextStep(held, names, published, now, this.#lifetimes);
    if (step === null) return null;
    const written = await secret.write(read.version, await this.#make(step, held, now), signal);
    // Whoever wrote meanwhile is asked in the next pass.
    if (written?.held == null) return null;
    log.info({ step }, 'webhook certificates were renewed');
    await trust.publish(written.held.bundle, signal);
    return step;
  }

  async #make(step: Exclude<Step, null>, held: Held | null, now: Date): Promise<Held> {
    if (held === null || step === 'begin') {
      const issuer = await this.#authority(now);
      return { issuer, next: null, serving: await this.#serving(issuer, now), bundle: issuer.cert };
    }
    const { issuer, next, serving, bundle } = held;
    const trusted = (...authorities: readonly Pair[]): string => bundleOf(authorities, bundle, now);
    switch (step) {
      case 'prepare': {
        const following = await this.#authority(now);
        return { issuer, next: following, serving, bundle: trusted(issuer, following) };
      }
      case 'promote': {
        const promoted = next ?? issuer;
        const renewed = await this.#serving(promoted, now);
        return { issuer: promoted, next: null, serving: renewed, bundle: trusted(promoted) };
      }
      case 'renew':
        return { ...held, serving: await this.#serving(issuer, now) };
    }
  }

  #authority(now: Date): Promise<Pair> {
    return issueAuthority(this.#validity(now, this.#lifetimes.authorityMs));
  }

  #serving(issuer: Pair, now: Date): Promise<Pair> {
    return issueServing(issuer, this.#options.names, this.#validity(now, this.#lifetimes.servingMs));
  }

  #validity(now: Date, lifetimeMs: number): { readonly notBefore: Date; readonly notAfter: Date } {
    const { skewMs } = this.#lifetimes;
    return { notBefore: new Date(now.getTime() - skewMs), notAfter: new Date(now.getTime() + lifetimeMs) };
  }
}
