import type { EventSink, Log, StoredMigration } from '../reconcile/ports.ts';

/** Events of a host without an API server go to the log. */
export class LogEventSink implements EventSink {
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  publish({ key, uid }: StoredMigration, event: Parameters<EventSink['publish']>[1]): void {
    const fields = { ...key, uid, reason: event.reason, message: event.message };
    if (event.type === 'Warning') this.#log.warn(fields, 'event');
    else this.#log.info(fields, 'event');
  }
}
