import type { Socket } from 'node:net';

/** Both ends of a connection between our programs send pings every 10 s, so bytes arrive at least that often. */
const LOOK_MS = 30_000;

/**
 * Destroys a socket on which nothing has arrived between two looks. A TLS alert in the middle of an HTTP/2 session, as after
 * a byte that was altered on the way, destroys the session and tells nobody: the socket would stay, half closed, for good.
 */
export function destroyWhenSilent(socket: Socket, lookMs = LOOK_MS): void {
  let before = -1;
  const timer = setInterval(() => {
    if (socket.bytesRead === before) socket.destroy();
    before = socket.bytesRead;
  }, lookMs);
  timer.unref();
  socket.once('close', () => clearInterval(timer));
}
