/**
 * Boots the guests and holds them until it is ended, for work on a test or a look by hand:
 *
 *     node test/kernel/rig/hold.ts >guests.env &
 *     source guests.env && npm run jest -- --selectProjects kernel --runInBand matrix
 */
import { once } from 'node:events';
import { bootGuests } from './boot.ts';
import { GUESTS_VARIABLE } from './guests.ts';

await using guests = await bootGuests();
process.stdout.write(`export ${GUESTS_VARIABLE}='${JSON.stringify(guests.descriptions)}'\n`);
for (const { name, ports, consoleFile } of guests.descriptions) {
  process.stderr.write(`${name}: control server at 127.0.0.1:${ports.control}, console ${consoleFile}\n`);
}
const idle = setInterval(() => undefined, 60_000);
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
clearInterval(idle);
