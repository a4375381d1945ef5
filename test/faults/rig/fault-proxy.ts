import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Pieces this small pass one by one while a connection is slow, bytes. */
const SLOW_PIECE = 2048;

/** What has been done to the connections so far; a fault is proved by the counter that it raises. */
export interface ProxyCounters {
  /** Connections that were reset. */
  cut: number;
  /** Bytes that had to wait because the proxy stood still. */
  held: number;
  /** Bytes that passed while it was slow. */
  slowed: number;
  /** Bytes that were altered. */
  altered: number;
}

/** A proxy on 127.0.0.1 that does to its connections what a network may do; with a server whose address may change. */
export class FaultProxy implements AsyncDisposable {
  readonly endpoint: string;
  readonly counters: ProxyCounters = { cut: 0, held: 0, slowed: 0, altered: 0 };
  /** Called when the fault meets traffic, before what it met is passed on. */
  onMeet: () => void = () => undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #onward: { readonly host: string; readonly port: number } | null = null;
  #gate: PromiseWithResolvers<void> | null = null;
  /** Bytes a second; null: no limit. */
  #rate: number | null = null;
  #alter = false;

  private constructor(server: Server) {
    this.#server = server;
    this.endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (client: Socket) => this.#serve(client));
  }

  static async listen(): Promise<FaultProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FaultProxy(server);
  }

  /** Where connections lead from now on, `host:port`. */
  forwardTo(endpoint: string): void {
    const at = endpoint.lastIndexOf(':');
    this.#onward = { host: endpoint.slice(0, at), port: Number(endpoint.slice(at + 1)) };
  }

  /** Connections that are open now; both sides of each count. */
  get open(): number {
    return this.#sockets.size;
  }

  cut(): void {
    for (const socket of this.#sockets) {
      this.counters.cut += 1;
      socket.resetAndDestroy();
    }
  }

  /** Nothing passes any more, in either direction, and nobody is told. */
  stall(): void {
    this.#gate ??= Promise.withResolvers();
  }

  /** Everything passes at so many bytes a second and direction. */
  slow(bytesPerSecond: number): void {
    this.#rate = bytesPerSecond;
  }

  /** The next piece that passes has another last byte. */
  alterNext(): void {
    this.#alter = true;
  }

  /** Whatever was done, goes on; what is cut stays cut. */
  free(): void {
    this.#rate = null;
    this.#alter = false;
    this.#gate?.resolve();
    this.#gate = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.free();
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
    void this.#pump(client, server);
    void this.#pump(server, client);
  }

  /** One that ends takes the other with it. */
  #link(socket: Socket, other: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      other.destroy();
    });
  }

  async #pump(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const piece of from as AsyncIterable<Buffer>) await this.#pass(piece, to);
    } catch {
      // Both ends are told by their sockets.
    }
    to.destroy();
  }

  async #pass(piece: Buffer, to: Socket): Promise<void> {
    if (this.#gate !== null) {
      this.counters.held += piece.length;
      this.onMeet();
      await this.#gate.promise;
    }
    if (this.#alter) {
      this.#alter = false;
      this.counters.altered += 1;
      this.onMeet();
      const last = piece.length - 1;
      piece.writeUInt8(piece.readUInt8(last) ^ 0xff, last);
    }
    for (let at = 0; at < piece.length;) {
      const rate = this.#rate;
      const part = rate === null ? piece.subarray(at) : piece.subarray(at, at + SLOW_PIECE);
      at += part.length;
      if (rate !== null) {
        this.counters.slowed += part.length;
        this.onMeet();
        await delay((1000 * part.length) / rate);
      }
      if (to.destroyed) return;
      if (!to.write(part)) await Promise.race([once(to, 'drain'), once(to, 'close')]);
    }
  }
}
