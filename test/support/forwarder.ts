import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Starts to listen on a free port of 127.0.0.1. */
export async function listening(): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** A server on 127.0.0.1 that connects each of its clients to another one, whose address may change. */
export abstract class Forwarder implements AsyncDisposable {
  readonly endpoint: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #onward: { readonly host: string; readonly port: number } | null = null;

  protected constructor(server: Server) {
    this.#server = server;
    this.endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (client: Socket) => this.#serve(client));
  }

  /** Where connections lead from now on, `host:port`. */
  forwardTo(endpoint: string): void {
    const at = endpoint.lastIndexOf(':');
    this.#onward = { host: endpoint.slice(0, at), port: Number(endpoint.slice(at + 1)) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await this.#server[Symbol.asyncDispose]();
  }

  /** Carries what each end sends to the other. */
  protected abstract carry(client: Socket, server: Socket): void;

  /** Both sides of every connection that is open now. */
  protected get sockets(): ReadonlySet<Socket> {
    return this.#sockets;
  }

  #serve(client: Socket): void {
    if (this.#onward === null) {
      client.destroy();
      return;
    }
    const server = connect(this.#onward);
    this.#link(client, server);
    this.#link(server, client);
    this.carry(client, server);
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
