import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Pair } from '../certificates/pair.ts';
import type { ReviewAnswer } from './review.ts';

export interface WebhookServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly serving: Pair;
  /** null: the body is not what this server is for. Must not reject. */
  readonly answer: (body: unknown, signal: AbortSignal) => Promise<ReviewAnswer | null>;
}

/** The one path that is served. */
export const WEBHOOK_PATH = '/evictions';

const MAX_CONNECTIONS = 256;
/** An Eviction with its review has a few kilobytes. */
const MAX_BODY_BYTES = 256 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
/**
 * Longer than API servers keep idle connections (90 s): when the server is the one that closes, a call may just be on its
 * way, and a call that fails lets an eviction pass.
 */
const KEEP_ALIVE_MS = 10 * 60_000;
/** What an API server waits when it does not say, and how much of it is ours: the rest is the network's. */
const DEFAULT_TIMEOUT_MS = 5_000;
const SHARE_OF_TIMEOUT = 0.7;
/** After the end was asked for, calls under way are answered, and those that were just sent. */
const LINGER_MS = 1_000;

/** HTTPS for the API server's calls. The certificate can be replaced while it serves. */
export class WebhookServer implements AsyncDisposable {
  readonly port: number;
  readonly #server: ReturnType<typeof createServer>;
  readonly #state: { closing: boolean };

  private constructor(server: ReturnType<typeof createServer>, state: { closing: boolean }) {
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.#state = state;
  }

  /** @throws when the port cannot be had or the certificate cannot be used. */
  static async listen({ host, port, serving, answer }: WebhookServerOptions): Promise<WebhookServer> {
    const state = { closing: false };
    const tls = { ...serving, minVersion: 'TLSv1.2' } as const;
    const limits = { requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS };
    const server = createServer({ ...tls, ...limits }, (request, response) => {
      // The client then opens a new connection, which another replica accepts.
      if (state.closing) response.setHeader('connection', 'close');
      void serve(request, response, answer);
    });
    server.maxConnections = MAX_CONNECTIONS;
    server.listen(port, host);
    await once(server, 'listening');
    return new WebhookServer(server, state);
  }

  /** New connections are served with this certificate; those that stand go on. @throws when it cannot be used */
  replace(serving: Pair): void {
    this.#server.setSecureContext({ ...serving, minVersion: 'TLSv1.2' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#state.closing = true;
    await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
    const closed = once(this.#server, 'close');
    this.#server.close();
    const end = setTimeout(() => this.#server.closeAllConnections(), LINGER_MS);
    await closed;
    clearTimeout(end);
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  answer: WebhookServerOptions['answer'],
): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://webhook');
  if (request.method !== 'POST' || url.pathname !== WEBHOOK_PATH)
    return reply(response, 404, { message: `POST ${WEBHOOK_PATH} only` });
  const signal = AbortSignal.timeout(SHARE_OF_TIMEOUT * timeoutMs(url.searchParams.get('timeout')));
  const body = await readBody(request);
  if (body === TOO_LONG) return reply(response, 413, { message: `more than ${MAX_BODY_BYTES} bytes` });
  const answered = body === null ? null : await answer(body, signal);
  if (answered === null) return reply(response, 400, { message: 'no AdmissionReview of a pods/eviction' });
  reply(response, 200, answered);
}

const TOO_LONG = Symbol('too long');

/** null: cut off, or no JSON. */
async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) return TOO_LONG;
      chunks.push(chunk);
    }
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch {
    return null;
  }
}

/** The API server says how long it waits, as `timeout=5s`. */
function timeoutMs(text: string | null): number {
  const seconds = /^([1-9][0-9]?)s$/.exec(text ?? '')?.[1];
  return seconds === undefined ? DEFAULT_TIMEOUT_MS : Number(seconds) * 1_000;
}

function reply(response: ServerResponse, status: number, body: object): void {
  // What was not read of a request cannot be told from the next one.
  if (status === 413) response.setHeader('connection', 'close');
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
