import type { ErrorCode } from '@transship/crds';
import type { Failure } from '@transship/node-agent/contract';

export const failure = (code: ErrorCode, message: string, device: string | null = null): Failure => ({
  code,
  message,
  device,
});

/** How a failure stands in `status.decision.reason`. */
export const asReason = ({ code, message }: Failure): string => `${code}: ${message}`;

/** Reads back what asReason wrote; another process may have to finish what one has begun. */
export function fromReason(reason: string | null): Failure | null {
  const match = /^([A-Z][A-Za-z]*): (.*)$/su.exec(reason ?? '');
  return match?.[1] === undefined || match[2] === undefined
    ? null
    : { code: match[1], message: match[2], device: null };
}
