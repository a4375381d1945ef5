import type { Socket } from 'node:net';
import { ChannelCredentials } from '@grpc/grpc-js';
import { destroyWhenSilent } from './silent-sockets.ts';

type Connector = ReturnType<ChannelCredentials['_createSecureConnector']>;

/** A handshake is two round trips; a peer that needs longer is stopped or gone. */
const HANDSHAKE_TIMEOUT_MS = 5_000;

/**
 * Credentials whose handshake always ends. The connector of grpc-js waits for a secure connection or an error of the
 * TLS socket, and hears of neither when the connection goes away in the middle of the handshake: the channel would
 * stay CONNECTING for ever.
 */
export class BoundedHandshake extends ChannelCredentials {
  readonly #inner: ChannelCredentials;
  readonly #sockets = new Set<Socket>();

  constructor(inner: ChannelCredentials) {
    super();
    this.#inner = inner;
  }

  /**
   * Destroys, after a moment for what is still to be sent, every connection that was made with these credentials: for a
   * client that was closed. grpc-js closes a connection when its last stream has ended, which one that was cancelled while
   * data for it was on its way may never do; the pings of the peer then keep the connection for good.
   */
  release(afterMs: number): void {
    setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, afterMs).unref();
  }

  override _isSecure(): boolean {
    return this.#inner._isSecure();
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(
    ...args: Parameters<ChannelCredentials['_createSecureConnector']>
  ): Connector {
    const inner = this.#inner._createSecureConnector(...args);
    return {
      connect: (socket) => {
        destroyWhenSilent(socket);
        this.#sockets.add(socket);
        socket.once('close', () => this.#sockets.delete(socket));
        return bounded(socket, inner.connect(socket));
      },
      waitForReady: () => inner.waitForReady(),
      getCallCredentials: () => inner.getCallCredentials(),
      destroy: () => inner.destroy(),
    };
  }
}

async function bounded<T>(socket: Socket, connected: Promise<T>): Promise<T> {
  const { promise: failed, reject } = Promise.withResolvers<never>();
  const onClose = (): void => reject(new Error('the connection was closed during the TLS handshake'));
  const timer = setTimeout(() => {
    reject(new Error(`the TLS handshake took longer than ${HANDSHAKE_TIMEOUT_MS} ms`));
    socket.destroy();
  }, HANDSHAKE_TIMEOUT_MS);
  socket.once('close', onClose);
  if (socket.destroyed) onClose();
  try {
    return await Promise.race([connected, failed]);
  } finally {
    clearTimeout(timer);
    socket.removeListener('close', onClose);
  }
}
