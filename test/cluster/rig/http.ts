import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** One request of the rig. */
export interface RigRequest {
  readonly url: string;
  readonly method?: 'GET' | 'POST';
  /** PEM of the authorities to trust, for https. */
  readonly ca?: string;
  readonly bearerToken?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Deadline of the whole exchange. */
  readonly timeoutMs: number;
}

/** Status code and body of an answer. */
export interface RigResponse {
  readonly status: number;
  readonly text: string;
}

/** The rig asks for health and tokens; an answer longer than this is not one of those. */
const MAX_RESPONSE_CHARS = 1 << 20;

/**
 * Sends one request on a connection of its own. The rig does not use the cluster client that it exists to test.
 * @throws on a transport error, past the deadline, and past a Mi characters of answer. A status of 400 or more is no error.
 */
export function send(options: RigRequest): Promise<RigResponse> {
  const request = options.url.startsWith('https:') ? httpsRequest : httpRequest;
  const headers: Record<string, string> = { accept: 'application/json' };
  if (options.bearerToken !== undefined) headers['authorization'] = `Bearer ${options.bearerToken}`;
  if (options.body !== undefined) headers['content-type'] = 'application/json';

  return new Promise((resolve, reject) => {
    const outgoing = request(options.url, {
      method: options.method ?? 'GET',
      headers,
      signal: AbortSignal.timeout(options.timeoutMs),
      agent: false,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
    });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('error', reject);
      incoming.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > MAX_RESPONSE_CHARS) incoming.destroy(new Error(`${options.url}: answer too long`));
      });
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text }));
    });
    outgoing.end(options.body === undefined ? undefined : JSON.stringify(options.body));
  });
}
