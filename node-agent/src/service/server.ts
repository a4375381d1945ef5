import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { Server } from '@grpc/grpc-js';
import { MAX_MESSAGE_BYTES } from '../contract/channel.ts';
import type { DeviceAgentHandlers } from '../contract/generated/transship/agent/v1alpha1/DeviceAgent.ts';
import type { DeviceTransferHandlers } from '../contract/generated/transship/agent/v1alpha1/DeviceTransfer.ts';
import { destroyWhenSilent } from '../contract/silent-sockets.ts';
import { wire } from '../contract/wire.ts';
import type { MutualTlsCredentials } from './server-credentials.ts';

/** One connection carries the calls of one operator or one stream; far more than either has at once. */
const MAX_CONCURRENT_STREAMS = 256;

/** Where Node tells of each socket that it accepts; grpc-js shows none of its own. */
const ACCEPTED = 'net.server.socket';

export interface AgentServer {
  readonly port: number;
  /** Stops accepting at once and ends what is left after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** Serves both services on `listen` (`host:port`, port 0 for any). Rejects when it cannot listen. */
export async function startServer(
  listen: string,
  credentials: MutualTlsCredentials,
  services: { agent: DeviceAgentHandlers; transfer: DeviceTransferHandlers },
): Promise<AgentServer> {
  const server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_concurrent_streams': MAX_CONCURRENT_STREAMS,
    // A client that vanished without a word holds its calls no longer than this.
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
  });
  server.addService(wire.DeviceAgent.service, { ...services.agent });
  server.addService(wire.DeviceTransfer.service, { ...services.transfer });
  const port = await bind(server, listen, credentials);
  const onSocket = (message: unknown): void => {
    const { socket } = message as { readonly socket: Socket };
    if (socket.localPort === port) destroyWhenSilent(socket);
  };
  subscribe(ACCEPTED, onSocket);
  return {
    port,
    close: async (graceMs) => {
      unsubscribe(ACCEPTED, onSocket);
      await close(server, graceMs);
    },
  };
}

function bind(server: Server, listen: string, credentials: MutualTlsCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(listen, credentials, (error, port) => (error === null ? resolve(port) : reject(error)));
  });
}

async function close(server: Server, graceMs: number): Promise<void> {
  const ended = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  const force = setTimeout(() => server.forceShutdown(), graceMs);
  await ended;
  clearTimeout(force);
}
