import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { linesOf } from '../lines.ts';
import { decode, encode } from '../protocol.ts';
import type { Answer, MethodName, Methods, Request, WireError } from '../protocol.ts';

/** What the server does for each method; a throw or a rejection becomes an error answer. */
export type Handlers = {
  readonly [Name in MethodName]: (
    params: Parameters<Methods[Name]>[0],
  ) => ReturnType<Methods[Name]> | Promise<ReturnType<Methods[Name]>>;
};

/** Serves any number of connections; requests of one connection run side by side. */
export class ControlServer {
  readonly #handlers: Handlers;
  readonly #server = createServer((socket) => void this.#serve(socket));

  constructor(handlers: Handlers) {
    this.#handlers = handlers;
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '0.0.0.0', resolve);
    });
  }

  async #serve(socket: Socket): Promise<void> {
    socket.setNoDelay();
    socket.on('error', () => undefined);
    try {
      for await (const line of linesOf(socket)) {
        const request = decode(line) as Request;
        void this.#answer(request).then((answer) => {
          if (!socket.destroyed) socket.write(encode(answer));
        });
      }
    } catch (error) {
      process.stdout.write(`control server: connection ended: ${String(error)}\n`);
      socket.destroy();
    }
  }

  async #answer({ id, method, params }: Request): Promise<Answer> {
    try {
      if (!Object.hasOwn(this.#handlers, method)) throw new TypeError(`there is no method ${method}`);
      const handler = this.#handlers[method as MethodName] as (params: unknown) => unknown;
      return { id, result: (await handler(params)) ?? null };
    } catch (error) {
      return { id, error: wireError(error) };
    }
  }
}

function wireError(error: unknown): WireError {
  const fields = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>;
  const text = (name: string): string | null => {
    const value = fields[name];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
  };
  const errno = fields['errno'];
  return {
    message: text('message') ?? String(error),
    code: text('code'),
    errno: typeof errno === 'number' ? errno : text('errno'),
    operation: text('operation'),
    register: text('register'),
    state: text('state'),
  };
}
