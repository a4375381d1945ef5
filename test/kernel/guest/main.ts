/**
 * The control server of a test guest: does there what tests on the host ask for (../protocol.ts). Whoever reaches its
 * port may do anything, as root: QEMU forwards it from 127.0.0.1 of the host alone.
 *
 * `main.js [PORT]`
 */
import { ControlServer } from './control-server.ts';
import { deviceMethods } from './devices.ts';
import { fileMethods } from './files.ts';
import { processMethods } from './processes.ts';
import { CONTROL_PORT } from '../protocol.ts';

const port = Number(process.argv[2] ?? CONTROL_PORT);
const server = new ControlServer({
  ping: () => ({ pid: process.pid, uptimeSeconds: process.uptime() }),
  end: () => {
    // The answer is on its way when the next turn of the loop begins.
    setImmediate(() => process.exit(0));
    return null;
  },
  ...processMethods(),
  ...fileMethods(),
  ...deviceMethods(),
});
await server.listen(port);
process.stdout.write(`control server: listening on ${port}\n`);
