/**
 * Loaded into operator and agents before their own code (`node --import`): on SIGUSR2 the process collects its garbage and
 * appends one line with what is left to `<TRANSSHIP_SOAK_READINGS>/<pid>`. It uses nothing but Node.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { getHeapCodeStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const folder = process.env.TRANSSHIP_SOAK_READINGS;
setFlagsFromString('--expose-gc');
// What the engine compiles, and notes down of code it ran, grows for as long as it meets new paths, which faults bring
// about. So it only interprets, and makes room for its notes at once.
for (const flag of ['--no-opt', '--no-maglev', '--no-sparkplug', '--no-lazy-feedback-allocation'])
  setFlagsFromString(flag);
// All that could be given up, caches of the engine too: they also grow with new paths.
const gc = runInNewContext('gc');
const collect = () => gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });

if (folder !== undefined)
  process.on('SIGUSR2', () => {
    // Twice: the first run leaves what finalizers hold.
    collect();
    setImmediate(() => {
      collect();
      const { rss, heapUsed, external } = process.memoryUsage();
      const { code_and_metadata_size: code, bytecode_and_metadata_size: bytecode } = getHeapCodeStatistics();
      const heap = heapUsed + external - code - bytecode;
      appendFileSync(join(folder, String(process.pid)), `${JSON.stringify({ rss, heap })}\n`);
    });
  });
