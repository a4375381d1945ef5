import { pino } from 'pino';
import type { Log } from '../reconcile/ports.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * JSON lines on standard output, written synchronously: a process that exits because it lost its leadership must not
 * lose the line that says so. Every line carries `instance`.
 */
export function createLog(level: LogLevel, instance: string): Log {
  return pino(
    {
      level,
      base: { instance },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 1, sync: true }),
  );
}

/** Text of anything that was thrown, with its stable code when it has one. */
export function describeError(error: unknown): { readonly message: string; readonly code?: string } {
  if (typeof error === 'string') return { message: error };
  const { message, code } = (error ?? {}) as { message?: unknown; code?: unknown };
  const text = typeof message === 'string' && message !== '' ? message : 'unknown error';
  return typeof code === 'string' ? { message: text, code } : { message: text };
}
