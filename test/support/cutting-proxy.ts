import type { Socket } from 'node:net';
import { Forwarder, listening } from './forwarder.ts';

/**
 * A proxy on 127.0.0.1 that counts what the server sends, and resets connections after so many bytes of it, wherever
 * that is in a frame.
 */
export class CuttingProxy extends Forwarder {
  /** Bytes that the server has sent over all connections. */
  bytes = 0;
  /** Connections that were cut. */
  cuts = 0;
  #cut: { readonly after: number; readonly times: number } = { after: 0, times: 0 };

  static async listen(): Promise<CuttingProxy> {
    return new CuttingProxy(await listening());
  }

  /** Each connection is cut after `after` bytes from the server, until `times` have been. */
  cutEach({ after, times }: { readonly after: number; readonly times: number }): void {
    this.#cut = { after, times };
  }

  protected override carry(client: Socket, server: Socket): void {
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
}
