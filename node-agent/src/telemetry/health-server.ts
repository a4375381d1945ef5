import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

const REQUEST_TIMEOUT_MS = 5_000;
const MAX_CONNECTIONS = 64;

export interface HealthServer {
  readonly port: number;
  close(): void;
}

/** Serves /livez (the event loop turns), /readyz and /metrics. Rejects when the port cannot be had. */
export async function startHealthServer(
  port: number,
  registry: Registry,
  isReady: () => boolean,
): Promise<HealthServer> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    answer(request, response, registry, isReady).catch(() => response.destroy());
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(port);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  registry: Registry,
  isReady: () => boolean,
): Promise<void> {
  const [path] = (request.url ?? '').split('?');
  if (request.method !== 'GET') reply(response, 405, 'GET only\n');
  else if (path === '/livez') reply(response, 200, 'ok\n');
  else if (path === '/readyz')
    reply(response, isReady() ? 200 : 503, isReady() ? 'ok\n' : 'starting or stopping\n');
  else if (path === '/metrics') reply(response, 200, await registry.metrics(), registry.contentType);
  else reply(response, 404, 'one of /livez, /readyz, /metrics\n');
}

function reply(response: ServerResponse, status: number, body: string, type = 'text/plain'): void {
  response.writeHead(status, { 'content-type': type }).end(body);
}
