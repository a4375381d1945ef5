import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * A proxy on 127.0.0.1 that counts what the server sends, and resets connections after so many bytes of it, wherever
 * that is in a frame.
 */
export class CuttingProxy implements AsyncDisposable {
  readonly endpoint: string;
  /** Bytes that the server has sent over all connections. */
  bytes = 0;
  /** Connections that were cut. */
  cuts = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #onward: { readonly host: string; readonly port: number } | null = null;
  #cut: { readonly after: number; readonly times: number } = { after: 0, times: 0 };

  private constructor(server: Server) {
    this.#server = server;
    const { port } = server.address() as AddressInfo;
    this.endpoint = `127.0.0.1:${port}`;
    server.on('connection', (client: Socket) => this.#serve(client));
  }

  static async listen(): Promise<CuttingProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new CuttingProxy(server);
  }

  /** Where connections lead from now on, `host:port`. */
  forwardTo(endpoint: string): void {
    const at = endpoint.lastIndexOf(':');
    this.#onward = { host: endpoint.slice(0, at), port: Number(endpoint.slice(at + 1)) };
  }

  /** Each connection is cut after `after` bytes from the server, until `times` have been. */
  cutEach({ after, times }: { readonly after: number; readonly times: number }): void {
    this.#cut = { after, times };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await this.#server[Symbol.asyncDispose]();
  }

  #serve(client: Socket): void {
    if (this.#onward === null) {
      client.destroy();
      return;
    }
    const server = connect(this.#onward);
    this.#link(client, server);
    this.#link(server, client);
    client.pipe(server);
    let passed = 0;
    server.on('data', (piece: Buffer) => {
      passed += piece.length;
      this.bytes += piece.length;
      const isCut = passed >= this.#cut.after && this.cuts < this.#cut.times;
      if (!isCut) {
        if (!client.write(piece)) server.pause();
        return;
      }
      this.cuts += 1;
      server.destroy();
      client.resetAndDestroy();
    });
    client.on('drain', () => server.resume());
  }

  /** One that ends takes the other with it. */
  #link(socket: Socket, other: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      other.destroy();
    });
  }
}
