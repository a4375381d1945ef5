import type { Log } from '../reconcile/ports.ts';

/** Sentences of the parts below, on standard error: a person reads them, beside the report on standard output. */
export function stderrLog(program: string): Log {
  const line = (fields: object, message: string): void => {
    process.stderr.write(`${program}: ${message} ${JSON.stringify(fields)}\n`);
  };
  return { debug: () => undefined, info: line, warn: line, error: line };
}
