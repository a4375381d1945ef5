import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/**
 * Ports to draw from. They end below 32768, where Linux's ephemeral range begins by default, so that no outgoing
 * connection can take the API server's port while the API server is down in a test.
 */
const FIRST_PORT = 10_000;
const LAST_PORT = 32_767;
const ATTEMPTS = 100;

async function listenSomewhere(): Promise<[number, Server]> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1);
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
      return [port, server];
    } catch {
      // Taken: draw again.
    }
  }
  throw new Error(`no free TCP port found on 127.0.0.1 in ${ATTEMPTS} draws from ${FIRST_PORT}-${LAST_PORT}`);
}

/**
 * Draws `count` different TCP ports of 127.0.0.1 that nothing listens on; all are held until the last one is found.
 * @throws when 100 draws in a row are taken.
 */
export async function freePorts(count: number): Promise<number[]> {
  const held: [number, Server][] = [];
  try {
    while (held.length < count) held.push(await listenSomewhere());
    return held.map(([port]) => port);
  } finally {
    await Promise.all(held.map(([, server]) => server[Symbol.asyncDispose]()));
  }
}
