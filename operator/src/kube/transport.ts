import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import { Backoff } from '../backoff.ts';
import { KubeApiError, NoAnswerError } from './api-error.ts';

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute path of the resource, segments already encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  /** Until the last byte of the answer; for `open` until its head. Milliseconds. */
  readonly deadlineMs: number;
}

/** An answer longer than this is not one that we asked for. A page of 500 migrations is well below it. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
/** Idle connections; more than a few only serve bursts. */
const MAX_IDLE_SOCKETS = 4;
const KEEP_ALIVE_PROBE_MS = 15_000;
/** How often a request is sent that the API server turns away unread, within its deadline. */
const ATTEMPTS = 4;
const TURNED_AWAY = { firstMs: 200, capMs: 2_000 };
const JSON_TYPE = 'application/json';

/**
 * Requests to one API server, with the credentials of a kubeconfig or of the pod. It exists beside client-node's own
 * generated API because a writer of records has to know whether a failed request may have arrived.
 */
export class KubeTransport {
  readonly #kubeConfig: KubeConfig;
  readonly #server: URL;
  readonly #proxied: boolean;
  readonly #agent: HttpAgent | HttpsAgent;

  /** @throws when the kubeconfig has no current cluster. */
  constructor(kubeConfig: KubeConfig) {
    const cluster = kubeConfig.getCurrentCluster();
    if (cluster === null) throw new Error('the kubeconfig has no current cluster; set current-context');
    this.#kubeConfig = kubeConfig;
    this.#server = new URL(cluster.server);
    this.#proxied = cluster.proxyUrl !== undefined;
    const options = {
      keepAlive: true,
      keepAliveMsecs: KEEP_ALIVE_PROBE_MS,
      maxFreeSockets: MAX_IDLE_SOCKETS,
    };
    this.#agent = this.#server.protocol === 'http:' ? new HttpAgent(options) : new HttpsAgent(options);
  }

  /**
   * Sends a request and reads its JSON answer. One that an overloaded API server turns away unread (429) is sent again, as
   * late as the answer asks and somewhat later by chance, as long as the deadline allows it.
   * @throws KubeApiError for a status of 400 or more
   * @throws NoAnswerError when no whole answer came before the deadline or the abort
   */
  async request(request: ApiRequest, signal: AbortSignal): Promise<unknown> {
    const what = `${request.method} ${request.path}`;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(request.deadlineMs)]);
    const until = performance.now() + request.deadlineMs;
    const backoff = new Backoff(TURNED_AWAY);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await readAnswer(await this.#send(request, what, limit), what);
      } catch (error) {
        if (error instanceof NoAnswerError) this.#dropIdle();
        if (!(error instanceof KubeApiError) || error.httpStatus !== 429 || attempt === ATTEMPTS) throw error;
        const pauseMs = (error.retryAfterMs ?? 0) + backoff.next();
        if (performance.now() + pauseMs >= until) throw error;
        // Whoever gives up meanwhile is told what came last.
        await sleep(pauseMs, undefined, { signal: limit }).catch(() => undefined);
        if (limit.aborted) throw error;
      }
    }
  }

  /**
   * Opens a streaming answer, such as a watch. The caller reads it, times it and destroys it.
   * @throws as `request`
   */
  async open(request: ApiRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const what = `${request.method} ${request.path}`;
    const head = new AbortController();
    const timer = setTimeout(() => head.abort(new Error('deadline')), request.deadlineMs);
    try {
      const answer = await this.#send(request, what, AbortSignal.any([signal, head.signal]));
      if ((answer.statusCode ?? 0) >= 400) await readAnswer(answer, what);
      return answer;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Closes idle connections. */
  close(): void {
    this.#agent.destroy();
  }

  /** Where one connection is dead, those that lie idle beside it mostly are too, and each would cost a deadline. */
  #dropIdle(): void {
    for (const sockets of Object.values(this.#agent.freeSockets)) {
      for (const socket of sockets ?? []) socket.destroy();
    }
  }

  async #send(request: ApiRequest, what: string, signal: AbortSignal): Promise<IncomingMessage> {
    const url = new URL(this.#server.pathname.replace(/\/$/, '') + request.path, this.#server);
    for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value);
    const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
    const options = await this.#options(request, what, signal);
    const send = url.protocol === 'http:' ? httpRequest : httpsRequest;
    return new Promise((resolve, reject) => {
      let sent = false;
      const outgoing = send(url, { ...options, method: request.method, signal });
      outgoing.on('socket', (socket) => {
        if (outgoing.reusedSocket) sent = true;
        else socket.once(url.protocol === 'http:' ? 'connect' : 'secureConnect', () => (sent = true));
      });
      outgoing.on('error', (error) =>
        reject(new NoAnswerError(what, sent, signal.aborted ? signal.reason : error)),
      );
      outgoing.on('response', resolve);
      // Node tells the length of a DELETE's body only when asked to; else it is taken for the next request.
      if (body !== undefined) outgoing.setHeader('content-length', body.length);
      outgoing.end(body);
    });
  }

  async #options(request: ApiRequest, what: string, signal: AbortSignal): Promise<RequestOptions> {
    const options: RequestOptions = {};
    try {
      signal.throwIfAborted();
      await this.#kubeConfig.applyToHTTPSOptions(options);
    } catch (error) {
      throw new NoAnswerError(what, false, error);
    }
    const headers: Record<string, string> = {
      ...(options.headers as Record<string, string> | undefined),
      accept: request.accept ?? JSON_TYPE,
      'user-agent': 'transship-operator',
    };
    if (request.body !== undefined) headers['content-type'] = request.contentType ?? JSON_TYPE;
    return { ...options, headers, ...(this.#proxied ? {} : { agent: this.#agent }) };
  }
}

async function readAnswer(answer: IncomingMessage, what: string): Promise<unknown> {
  const status = answer.statusCode ?? 0;
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) throw new Error(`longer than ${MAX_ANSWER_BYTES} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw new NoAnswerError(what, true, error);
  }
  const body = parseJson(Buffer.concat(chunks).toString('utf8'));
  if (status >= 400) throw new KubeApiError(what, status, body.value, answer.headers['retry-after']);
  if (!body.ok) throw new NoAnswerError(what, true, new Error(`HTTP ${status} without JSON`));
  return body.value;
}

function parseJson(text: string): { ok: boolean; value: unknown } {
  try {
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch {
    return { ok: false, value: undefined };
  }
}
