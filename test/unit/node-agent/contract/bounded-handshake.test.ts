import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { ChannelCredentials } from '@grpc/grpc-js';
import { expect, test } from '@jest/globals';
import { BoundedHandshake } from '@transship/node-agent/internal/contract/bounded-handshake';
import { eventually } from '../../../support/managed-process.ts';

const PATIENCE_MS = 60_000;

type Connector = ReturnType<ChannelCredentials['_createSecureConnector']>;

/** Credentials that take every connection as it is. */
const plain = {
  _isSecure: () => true,
  _createSecureConnector: (): Connector => ({
    connect: (socket) => Promise.resolve({ socket, secure: true }),
    waitForReady: () => Promise.resolve(),
    getCallCredentials: () => {
      throw new Error('nobody asks for them');
    },
    destroy: () => undefined,
  }),
} as unknown as ChannelCredentials;

test('release destroys the connections that were made with the credentials, and no others', async () => {
  await using server = createServer().listen(0, '127.0.0.1');
  await eventually('the server listens', PATIENCE_MS, () => (server.listening ? true : null));
  const { port } = server.address() as AddressInfo;
  const [mine, other]: readonly Socket[] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  if (mine === undefined || other === undefined) throw new Error('two sockets were to be made');
  const credentials = new BoundedHandshake(plain);
  const connector = credentials._createSecureConnector({ scheme: 'dns', path: 'x' }, {});
  await connector.connect(mine);
  expect(mine.destroyed).toBe(false);
  credentials.release(0);
  await eventually('the connection is destroyed', PATIENCE_MS, () => (mine.destroyed ? true : null));
  expect(other.destroyed).toBe(false);
  other.destroy();
});
