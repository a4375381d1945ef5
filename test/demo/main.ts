/** `npm run demo`: a set of busy devices moves from one node to another, and nothing is lost. */
import { constants } from 'node:os';
import { styleText } from 'node:util';
import { readOptions } from './options.ts';
import { run } from './run.ts';
import { openWorkspace } from './workspace.ts';

const options = readOptions(process.argv.slice(2));
const interrupt = new AbortController();
let endedBy: NodeJS.Signals | null = null;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    // Told twice, it goes at once; the kernel ends what it started.
    if (endedBy !== null) process.exit(128 + constants.signals[name]);
    endedBy = name;
    interrupt.abort();
  });
}

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
  process.exitCode = endedBy === null ? 1 : 128 + constants.signals[endedBy];
  const what = endedBy === null ? String((error as Error).message) : `ended by ${endedBy}`;
  process.stderr.write(`${styleText('red', `demo: ${what}`)}\n`);
} finally {
  workspace.remove();
  if (options.keep) process.stdout.write(`Logs, journals and certificates are in ${workspace.directory}\n`);
}
process.exit();
