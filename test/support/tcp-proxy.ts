import type { Socket } from 'node:net';
import { Forwarder, listening } from './forwarder.ts';

/** A proxy on 127.0.0.1 whose connections can be cut. */
export class TcpProxy extends Forwarder {
  /** Connections that were made over it so far. */
  connections = 0;
  /** Bytes that the server has sent over all of them. */
  bytes = 0;

  /** Passes everything on to `endpoint` (`host:port`). */
  static async to(endpoint: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(await listening());
    proxy.forwardTo(endpoint);
    return proxy;
  }

  /** Cuts all connections with a reset. */
  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await super[Symbol.asyncDispose]();
  }

  protected override carry(client: Socket, server: Socket): void {
    this.connections += 1;
    client.pipe(server);
    server.pipe(client);
    server.on('data', (piece: Buffer) => (this.bytes += piece.length));
  }
}
