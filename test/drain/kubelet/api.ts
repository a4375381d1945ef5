import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';

/** An answer of the API server that is no success. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  readonly status: number;

  constructor(status: number, message: string) {
    super(`HTTP ${status}: ${message}`);
    this.status = status;
  }
}

/** What a request may carry beside its path. */
export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  /** Default: application/json. */
  readonly contentType?: string;
}

interface Kubeconfig {
  readonly clusters: readonly { cluster: { server: string; 'certificate-authority-data': string } }[];
  readonly users: readonly { user: { token: string } }[];
}

const DEADLINE_MS = 30_000;
const MAX_ANSWER_BYTES = 16 << 20;

/** The API server as one user of it, with the kubeconfigs that the cluster rig writes. */
export class Api {
  readonly #server: string;
  readonly #token: string;
  readonly #agent: Agent;

  private constructor(server: string, ca: string, token: string) {
    this.#server = server;
    this.#token = token;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 8, ca });
  }

  static async open(kubeconfig: string): Promise<Api> {
    const { clusters, users } = JSON.parse(await readFile(kubeconfig, 'utf8')) as Kubeconfig;
    const [cluster, user] = [clusters[0]?.cluster, users[0]?.user];
    if (cluster === undefined || user === undefined) throw new Error(`${kubeconfig} names nobody`);
    const ca = Buffer.from(cluster['certificate-authority-data'], 'base64').toString();
    return new Api(cluster.server, ca, user.token);
  }

  /** @throws ApiFailure, and what the transport throws */
  call<T>({ method, path, body, contentType = 'application/json' }: ApiCall): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const text = body === undefined ? '' : JSON.stringify(body);
    const outgoing = request(`${this.#server}${path}`, {
      method,
      agent: this.#agent,
      signal: AbortSignal.timeout(DEADLINE_MS),
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${this.#token}`,
        // Node counts the bytes of a DELETE for nobody: the API server would take them for the next request.
        ...(text === '' ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(text) }),
      },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      const pieces: Buffer[] = [];
      let length = 0;
      incoming.on('error', reject);
      incoming.on('data', (piece: Buffer) => {
        pieces.push(piece);
        length += piece.length;
        if (length > MAX_ANSWER_BYTES) incoming.destroy(new Error(`${path}: the answer is too long`));
      });
      incoming.on('end', () => {
        const answer = Buffer.concat(pieces).toString();
        const status = incoming.statusCode ?? 0;
        if (status >= 200 && status < 300) resolve(JSON.parse(answer) as T);
        else reject(new ApiFailure(status, answer));
      });
    });
    outgoing.end(text);
    return promise;
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Whether the object is gone, or is another one of its name by now. */
export const isGone = (error: unknown): boolean =>
  error instanceof ApiFailure && (error.status === 404 || error.status === 409);
