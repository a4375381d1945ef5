import type { CallOptions, ClientUnaryCall, ServiceError } from '@grpc/grpc-js';

type Done<Reply> = (error: ServiceError | null, reply?: Reply) => void;

/**
 * A unary call as a promise with a deadline (ms from now) that an AbortSignal cancels. Rejects with the
 * ServiceError of grpc-js, CANCELLED when the signal fired.
 */
export function unaryCall<Reply>(
  start: (options: CallOptions, done: Done<Reply>) => ClientUnaryCall,
): (deadlineMs: number, signal: AbortSignal) => Promise<Reply> {
  return (deadlineMs, signal) =>
    new Promise<Reply>((resolve, reject) => {
      signal.throwIfAborted();
      const cancel = (): void => call.cancel();
      const call = start({ deadline: Date.now() + deadlineMs }, (error, reply) => {
        signal.removeEventListener('abort', cancel);
        if (error === null && reply !== undefined) resolve(reply);
        else reject(error ?? new Error('the call ended without a reply'));
      });
      signal.addEventListener('abort', cancel, { once: true });
    });
}
