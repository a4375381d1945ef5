import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';

import { KubeConfig } from '@kubernetes/client-node';

/** A request that went through the proxy, once the API server has answered it. */
export interface ProxiedRequest {
  readonly method: string;
  readonly url: string;
  /** Status code of the API server. */
  readonly status: number;
}

const ANSWER_DEADLINE_MS = 60_000;

/**
 * Stands between a client and a real API server as plain HTTP on loopback. It can keep requests back and deliver them
 * later, also when their sender has long given up, as a stuck network does; and rewrite their URLs.
 */
export class ApiProxy {
  readonly requests: ProxiedRequest[] = [];
  /** Replaces the path and query of a request. */
  rewrite: (url: string) => string = (url) => url;
  readonly #upstream: KubeConfig;
  readonly #server: Server;
  #held: (() => Promise<void>)[] | null = null;
  #holds: (request: IncomingMessage, body: Buffer) => boolean = () => false;

  private constructor(upstream: KubeConfig) {
    this.#upstream = upstream;
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  static async start(kubeconfig: string): Promise<ApiProxy> {
    const upstream = new KubeConfig();
    upstream.loadFromFile(kubeconfig);
    const proxy = new ApiProxy(upstream);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** Credentials for a client of the proxy, which adds the real ones. */
  get kubeConfig(): KubeConfig {
    const { port } = this.#server.address() as AddressInfo;
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromClusterAndUser(
      { name: 'proxied', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
      { name: 'nobody' },
    );
    return kubeConfig;
  }

  /** Keeps requests with this method, and this in their body, back from now on. */
  hold(method: string, part = ''): void {
    this.#held = [];
    this.#holds = (request, body) => request.method === method && body.includes(part);
  }

  /** How many requests are being kept back. */
  get held(): number {
    return this.#held?.length ?? 0;
  }

  /** Delivers what was kept back, in order, and waits for the answers; later requests pass again. */
  async release(): Promise<void> {
    const held = this.#held ?? [];
    this.#held = null;
    for (const deliver of held) await deliver();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await this.#server[Symbol.asyncDispose]();
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const deliver = () => this.#deliver(request, body, response);
    if (this.#held !== null && this.#holds(request, body)) this.#held.push(deliver);
    else await deliver();
  }

  async #deliver(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = request;
    const options = {};
    await this.#upstream.applyToHTTPSOptions(options);
    const target = `${this.#upstream.getCurrentCluster()?.server ?? ''}${this.rewrite(url)}`;
    const { authorization } = (options as { headers: Record<string, string> }).headers as {
      authorization?: string;
    };
    const credentials =
      authorization ?? (options as { headers: Record<string, string> }).headers['Authorization'];
    const outgoing = httpsRequest(target, {
      ...options,
      method,
      headers: { ...headers, host: new URL(target).host, authorization: credentials },
      signal: AbortSignal.timeout(ANSWER_DEADLINE_MS),
    });
    outgoing.end(body);
    try {
      const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
      this.requests.push({ method, url, status: answer.statusCode ?? 0 });
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.on('error', () => response.destroy());
      response.on('close', () => answer.destroy());
      answer.pipe(response);
    } catch {
      response.destroy();
    }
  }
}
