import { connect, createServer } from 'node:net';
import type { Handlers } from './control-server.ts';

/**
 * The other guest's agent is at a port of the host, which is 127.0.0.1 for the operator and 10.0.2.2 for a guest. With
 * a relay the same address means the same agent everywhere.
 */
export function relayMethods(): Pick<Handlers, 'relay'> {
  return {
    async relay({ port, toHost, toPort }) {
      const server = createServer((client) => {
        const onward = connect(toPort, toHost);
        for (const [from, to] of [
          [client, onward],
          [onward, client],
        ] as const) {
          from.setNoDelay();
          from.on('error', () => undefined);
          from.on('close', () => to.destroy());
          from.pipe(to);
        }
      });
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, '127.0.0.1', resolve);
      });
      return null;
    },
  };
}
