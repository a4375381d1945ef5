import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server as SocketServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { handleUnaryCall, ServiceDefinition } from '@grpc/grpc-js';

/** A field of a protobuf message: its number, and bytes, text, a message, or a whole number. */
export type Field = readonly [number: number, value: Buffer | string | number | readonly Field[]];

/** Protobuf by hand, so that the answer is what the published API says and not what the agent's own proto file does. */
export function encode(fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([number, value]) => {
      if (typeof value === 'number') return [varint(number * 8), varint(value)];
      const bytes =
        typeof value === 'string' ? Buffer.from(value) : Buffer.isBuffer(value) ? value : encode(value);
      return [varint(number * 8 + 2), varint(bytes.length), bytes];
    }),
  );
}

function varint(value: number): Buffer {
  const bytes = [];
  let left = value;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
  return Buffer.from([...bytes, left]);
}

/** One pod of a ListPodResourcesResponse; `containers`: fields of its ContainerResources messages. */
export const pod = (namespace: string, name: string, ...containers: readonly (readonly Field[])[]): Field => [
  1,
  [[1, name], [2, namespace], ...containers.map((fields): Field => [3, [[1, 'main'], ...fields]])],
];

/** Devices of a plugin, with the NUMA node that the kubelet adds. */
export const plugin = (resource: string, ...ids: readonly string[]): Field => [
  2,
  [[1, resource], ...ids.map((id): Field => [2, id]), [3, [[1, [[1, 1]]]]]],
];

/** A device of a DRA driver, with its CDI name and share. */
export const claim = (driver: string, poolName: string, device: string): Field => [
  5,
  [
    [2, 'claim-0'],
    [3, 'ml'],
    [
      4,
      [
        [1, [[1, `${driver}/gpu=0`]]],
        [2, driver],
        [3, poolName],
        [4, device],
        [5, 'share'],
      ],
    ],
  ],
];

type List = handleUnaryCall<Buffer, Buffer>;

const asIs = (bytes: Buffer): Buffer => bytes;

const LIST: ServiceDefinition = {
  List: {
    path: '/v1.PodResourcesLister/List',
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
};

/** A folder with the kubelet's socket, which is there while something listens. */
export class KubeletSocket implements AsyncDisposable {
  readonly path: string;
  readonly #directory: string;
  #close: () => void = () => undefined;

  private constructor(directory: string) {
    this.#directory = directory;
    this.path = join(directory, 'kubelet.sock');
  }

  static async create(): Promise<KubeletSocket> {
    return new KubeletSocket(await mkdtemp(join(tmpdir(), 'ts-kubelet-')));
  }

  /** Serves List as the kubelet does: gRPC, without TLS, whole answers as bytes. */
  async serve(list: List): Promise<void> {
    await this.stop();
    const server = new Server({ 'grpc.max_send_message_length': -1 });
    server.addService(LIST, { List: list });
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(`unix:${this.path}`, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      );
    });
    this.#close = () => server.forceShutdown();
  }

  /** Always the same answer. */
  answer(...pods: readonly Field[]): Promise<void> {
    return this.serve((_, done) => done(null, encode(pods)));
  }

  /** Listens without speaking gRPC; `connections` are those that are open. */
  async listen(onConnection: (socket: Socket) => void): Promise<{ readonly connections: Set<Socket> }> {
    await this.stop();
    const connections = new Set<Socket>();
    const server: SocketServer = createServer((socket) => {
      connections.add(socket);
      // One that is not read from never sees its end.
      socket.resume().on('error', () => undefined);
      socket.once('close', () => connections.delete(socket));
      onConnection(socket);
    });
    await new Promise<void>((resolve) => server.listen(this.path, resolve));
    this.#close = () => {
      server.close();
      for (const socket of connections) socket.destroy();
    };
    return { connections };
  }

  /** As a kubelet that ends: connections are cut and the socket is gone. */
  async stop(): Promise<void> {
    this.#close();
    this.#close = () => undefined;
    await rm(this.path, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
