/** `npm run demo`: a set of busy devices moves from one node to another, and nothing is lost. */
import { once } from 'node:events';
import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { styleText } from 'node:util';
import { readOptions } from './options.ts';
import { run } from './run.ts';
import { openWorkspace } from './workspace.ts';

const options = readOptions(process.argv.slice(2));
const interrupt = new AbortController();
/** Ctrl-C arrives from the terminal and, passed on, from npm: once to whoever pressed it. */
const ONE_PRESS_MS = 500;
let toldAt = Number.POSITIVE_INFINITY;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    const now = performance.now();
    // Told twice, it goes at once; the kernel ends what it started.
    if (now - toldAt > ONE_PRESS_MS) process.exit(128 + constants.signals[signal]);
    toldAt = Math.min(toldAt, now);
    interrupt.abort(signal);
  });
}

// Whoever read the output has gone, as `head` does.
process.stdout.on('error', () => interrupt.abort('SIGPIPE'));

const began = performance.now();
const workspace = await openWorkspace(options.keep);
const stack = new AsyncDisposableStack();

/** Rejects a moment after the signal: some steps, such as starting an API server, do not listen to it. */
async function interrupted({ signal }: AbortController): Promise<never> {
  await once(signal, 'abort');
  await delay(ONE_PRESS_MS);
  return signal.throwIfAborted() as never;
}

try {
  const { directory } = workspace;
  const { signal } = interrupt;
  const isGood = await Promise.race([
    run(options, { directory, out: process.stdout, signal, stack }),
    interrupted(interrupt),
  ]);
  process.exitCode = isGood ? 0 : 1;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  process.stdout.write(
    `\n${isGood ? 'Moved, nothing lost' : styleText('red', 'Not as it must be')}: ${seconds} s.\n`,
  );
} catch (error) {
  const { aborted, reason } = interrupt.signal;
  process.exitCode = aborted ? 128 + constants.signals[reason as NodeJS.Signals] : 1;
  const what = aborted ? `ended by ${String(reason)}` : (error as Error).message;
  process.stderr.write(`${styleText('red', `demo: ${what}`)}\n`);
} finally {
  await stack.disposeAsync();
  workspace.remove();
  if (options.keep) process.stdout.write(`Logs, journals and certificates are in ${workspace.directory}\n`);
}
process.exit();
