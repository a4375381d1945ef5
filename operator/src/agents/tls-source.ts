import { loadTls, type TlsFiles, type TlsMaterial, tlsRevision } from '@transship/node-agent/contract';
import type { Clock, Log } from '../reconcile/ports.ts';
import { describeError } from '../telemetry/log.ts';

const CHECK_MS = 10_000;

/** The operator's certificate, key and authorities; rotated files are taken up without a restart. */
export class TlsSource {
  readonly #files: TlsFiles;
  readonly #clock: Clock;
  readonly #log: Log;
  #current: TlsMaterial;

  private constructor(files: TlsFiles, first: TlsMaterial, clock: Clock, log: Log) {
    this.#files = files;
    this.#current = first;
    this.#clock = clock;
    this.#log = log;
  }

  /** @throws when a file cannot be read. */
  static async open(files: TlsFiles, clock: Clock, log: Log): Promise<TlsSource> {
    return new TlsSource(files, await loadTls(files), clock, log);
  }

  get current(): TlsMaterial {
    return this.#current;
  }

  /** Watches the files until aborted. Half-replaced files (a read that fails) leave the old ones in use. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(CHECK_MS, signal);
      try {
        if ((await tlsRevision(this.#files)) === this.#current.revision) continue;
        this.#current = await loadTls(this.#files);
        this.#log.info({}, 'TLS files were replaced');
      } catch (error) {
        this.#log.warn({ cause: describeError(error) }, 'TLS files cannot be read');
      }
    }
  }
}
