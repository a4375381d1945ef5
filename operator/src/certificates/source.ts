import { createSecureContext } from 'node:tls';
import type { Clock, Log } from '../reconcile/ports.ts';
import { describeError } from '../telemetry/log.ts';
import type { Pair } from './pair.ts';
import type { CertificateSecret } from './secret.ts';

/** While there is nothing to serve with, milliseconds. */
const FIRST_CHECK_MS = 2_000;
const CHECK_MS = 10_000;
const JITTER = 0.2;

/** The serving certificate as the Secret has it; read by every replica, whoever writes it. */
export class ServingCertificate {
  readonly #secret: Pick<CertificateSecret, 'read'>;
  readonly #clock: Clock;
  readonly #log: Log;
  #current: Pair | null = null;

  constructor(secret: Pick<CertificateSecret, 'read'>, clock: Clock, log: Log) {
    this.#secret = secret;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Tells of each new certificate until aborted; what cannot be used is passed over, and told of again at the next look when
   * `use` rejects. Never rejects.
   */
  async run(use: (serving: Pair) => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.look(use, signal);
      } catch (error) {
        if (!signal.aborted) {
          const cause = describeError(error);
          this.#log.warn({ cause }, 'there is no new certificate to serve the webhook with');
        }
      }
      const pauseMs = this.#current === null ? FIRST_CHECK_MS : CHECK_MS;
      await this.#clock.sleep(pauseMs * (1 + JITTER * Math.random()), signal);
    }
  }

  /** One look. @throws as the Secret and `use` do, and when the certificate cannot be used */
  async look(use: (serving: Pair) => Promise<void>, signal: AbortSignal): Promise<void> {
    const { held } = await this.#secret.read(signal);
    if (held === null || held.serving.cert === this.#current?.cert) return;
    createSecureContext({ ...held.serving });
    await use(held.serving);
    this.#current = held.serving;
  }
}
