/** Time, as a port: tests hand in one that they move themselves. */
export interface Clock {
  /** Monotonic, milliseconds. */
  now(): number;
  wallNow(): Date;
  /** Runs `action` once after `ms`; the returned function takes it back. */
  after(ms: number, action: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => new Date(),
  after: (ms, action) => {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`, or at once (without throwing) when the signal fires. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const wake = (): void => {
      cancel();
      signal.removeEventListener('abort', wake);
      resolve();
    };
    const cancel = clock.after(ms, wake);
    signal.addEventListener('abort', wake, { once: true });
  });
}

/** The promise's outcome, or `late` when it has none after `ms`. The promise itself goes on. */
export async function within<T, L>(clock: Clock, ms: number, promise: Promise<T>, late: L): Promise<T | L> {
  let cancel = (): void => undefined;
  const timeout = new Promise<L>((resolve) => {
    cancel = clock.after(ms, () => resolve(late));
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    cancel();
  }
}

/** Runs `action` every `ms` until the signal fires; the next wait begins when it has returned. */
export async function every(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  action: () => void | Promise<void>,
): Promise<void> {
  for (;;) {
    await sleep(clock, ms, signal);
    if (signal.aborted) return;
    await action();
  }
}
