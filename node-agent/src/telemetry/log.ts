import { pino } from 'pino';
import type { LOG_LEVELS } from '../config.ts';
import type { Log } from '../session/ports.ts';

/** JSON lines on standard output, written synchronously so that the last line before an exit is not lost. */
export function createLog(level: (typeof LOG_LEVELS)[number], nodeName: string, instance: string): Log {
  return pino(
    { level, base: { node: nodeName, instance }, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 1, sync: true }),
  );
}
