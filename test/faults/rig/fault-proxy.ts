import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Forwarder, listening } from '../../support/forwarder.ts';

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
export class FaultProxy extends Forwarder {
  readonly counters: ProxyCounters = { cut: 0, held: 0, slowed: 0, altered: 0 };
  /** Called when the fault meets traffic, before what it met is passed on. */
  onMeet: () => void = () => undefined;
  #gate: PromiseWithResolvers<void> | null = null;
  /** Bytes a second; null: no limit. */
  #rate: number | null = null;
  #alter = false;

  static async listen(): Promise<FaultProxy> {
    return new FaultProxy(await listening());
  }

  /** Connections that are open now; both sides of each count. */
  get open(): number {
    return this.sockets.size;
  }

  cut(): void {
    for (const socket of this.sockets) {
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

  /** Ends `stall` alone. */
  resume(): void {
    this.#gate?.resolve();
    this.#gate = null;
  }

  /** Whatever was done, goes on; what is cut stays cut. */
  free(): void {
    this.#rate = null;
    this.#alter = false;
    this.resume();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.free();
    await super[Symbol.asyncDispose]();
  }

  protected override carry(client: Socket, server: Socket): void {
    for (const socket of [client, server]) socket.setNoDelay(true);
    void this.#pump(client, server);
    void this.#pump(server, client);
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
