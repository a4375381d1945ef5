import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** A proxy on 127.0.0.1 whose connections can be cut. */
export class TcpProxy implements AsyncDisposable {
  readonly endpoint: string;
  /** Connections that were made over it so far. */
  connections = 0;
  /** Bytes that the server has sent over all of them. */
  bytes = 0;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: Server, sockets: Set<Socket>) {
    this.#server = server;
    this.#sockets = sockets;
    this.endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Passes everything on to `endpoint` (`host:port`). */
  static async to(endpoint: string): Promise<TcpProxy> {
    const at = endpoint.lastIndexOf(':');
    const [host, port] = [endpoint.slice(0, at), Number(endpoint.slice(at + 1))];
    const sockets = new Set<Socket>();
    const server = createServer((client) => {
      proxy.connections += 1;
      const onward = connect(port, host);
      for (const [from, to] of [
        [client, onward],
        [onward, client],
      ] as const) {
        sockets.add(from);
        from.on('error', () => undefined);
        from.on('close', () => {
          sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
      onward.on('data', (piece: Buffer) => (proxy.bytes += piece.length));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new TcpProxy(server, sockets);
    return proxy;
  }

  /** Cuts all connections with a reset. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await this.#server[Symbol.asyncDispose]();
  }
}
