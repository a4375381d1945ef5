import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

export interface HealthServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Each must be true for /readyz to answer 200; the names of those that are not are its body. */
  readonly ready: Readonly<Record<string, () => boolean>>;
  readonly registry: Registry;
}

const MAX_CONNECTIONS = 64;
const REQUEST_TIMEOUT_MS = 5_000;

/** Serves /livez (the event loop turns), /readyz and /metrics. */
export class HealthServer implements AsyncDisposable {
  readonly port: number;
  readonly #close: () => Promise<void>;

  private constructor(port: number, close: () => Promise<void>) {
    this.port = port;
    this.#close = close;
  }

  /** @throws when the port cannot be had. */
  static async listen(options: HealthServerOptions): Promise<HealthServer> {
    const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
      void answer(options, request, response);
    });
    server.maxConnections = MAX_CONNECTIONS;
    server.listen(options.port, options.host);
    await once(server, 'listening');
    return new HealthServer((server.address() as AddressInfo).port, async () => {
      server.closeAllConnections();
      await server[Symbol.asyncDispose]();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}

async function answer(
  { ready, registry }: HealthServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path] = (request.url ?? '').split('?');
  if (request.method !== 'GET') return reply(response, 405, 'GET only\n');
  switch (path) {
    case '/livez':
      return reply(response, 200, 'ok\n');
    case '/readyz': {
      const missing = Object.entries(ready).flatMap(([name, isReady]) => (isReady() ? [] : [name]));
      return reply(response, missing.length === 0 ? 200 : 503, `${missing.join('\n') || 'ok'}\n`);
    }
    case '/metrics':
      return reply(response, 200, await registry.metrics(), registry.contentType);
    default:
      return reply(response, 404, 'one of /livez, /readyz, /metrics\n');
  }
}

function reply(response: ServerResponse, status: number, body: string, type = 'text/plain'): void {
  response.writeHead(status, { 'content-type': type }).end(body);
}
