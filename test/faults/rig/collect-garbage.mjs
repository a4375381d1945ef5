/**
 * Loaded into the agents before their own code: on SIGUSR2 the process collects its garbage. What only waits for the
 * collector, such as the descriptors of a device that was closed, is no leak, and a quiet agent rarely collects.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

process.on('SIGUSR2', () => {
  // Twice: the first run leaves what finalizers hold.
  collect();
  setImmediate(() => collect());
});
