/** `npm run demo`: a set of busy devices moves from one node to another, and nothing is lost. */
import { constants } from 'node:os';
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
try {
  const isGood = await run(options, workspace.directory, process.stdout, interrupt.signal);
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
  workspace.remove();
  if (options.keep) process.stdout.write(`Logs, journals and certificates are in ${workspace.directory}\n`);
}
process.exit();
