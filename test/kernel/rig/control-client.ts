import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { linesOf } from '../lines.ts';
import { decode, encode } from '../protocol.ts';
import type { Answer, MethodName, Methods, WireError } from '../protocol.ts';

/** An error that the guest answered with; `code` and the others are those of a NativeError where it was one. */
export class GuestError extends Error {
  readonly code: string | null;
  readonly errno: string | number | null;
  readonly operation: string | null;
  readonly register: string | null;
  readonly state: string | null;

  constructor(method: string, error: WireError) {
    super(`${method}: ${error.message}`);
    this.name = 'GuestError';
    this.code = error.code;
    this.errno = error.errno;
    this.operation = error.operation;
    this.register = error.register;
    this.state = error.state;
  }
}

interface Waiting {
  readonly method: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** For one request that does not wait for anything. Guests without KVM are slow, and their host may be busy. */
const CALL_DEADLINE_MS = 120_000;

/** A connection to the control server of a guest. */
export class ControlClient implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #broken: Error | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    void this.#receive();
  }

  /** @throws when the server cannot be reached; QEMU accepts for the guest, so ask with ping() whether it is there. */
  static async connect(port: number): Promise<ControlClient> {
    const socket = connect(port, '127.0.0.1');
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    socket.setNoDelay();
    return new ControlClient(socket);
  }

  /**
   * Asks for one thing. `waitMs` is what the guest itself may wait, on top of the time to answer.
   * @throws GuestError with what the guest answered; Error when it does not, or the connection has ended.
   */
  async call<Name extends MethodName>(
    method: Name,
    params: Parameters<Methods[Name]>[0],
    waitMs = 0,
  ): Promise<ReturnType<Methods[Name]>> {
    if (this.#broken !== undefined) throw this.#broken;
    this.#last += 1;
    const id = this.#last;
    const deadlineMs = CALL_DEADLINE_MS + waitMs;
    return new Promise<ReturnType<Methods[Name]>>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error(`${method}: no answer from the guest within ${deadlineMs} ms`));
      }, deadlineMs);
      this.#waiting.set(id, {
        method,
        resolve: (result) => {
          clearTimeout(timer);
          resolve(result as ReturnType<Methods[Name]>);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.#socket.write(encode({ id, method, params: params as Record<string, unknown> }));
    });
  }

  async #receive(): Promise<void> {
    this.#socket.on('error', () => undefined);
    try {
      for await (const line of linesOf(this.#socket)) this.#take(decode(line) as Answer);
      this.#fail(new Error('the guest has closed the connection'));
    } catch (cause) {
      this.#fail(new Error('the connection to the guest has ended', { cause }));
    }
  }

  #take(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) return; // its deadline has passed
    this.#waiting.delete(answer.id);
    if ('error' in answer) waiting.reject(new GuestError(waiting.method, answer.error));
    else waiting.resolve(answer.result);
  }

  #fail(error: Error): void {
    this.#broken = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#fail(new Error('the connection to the guest was closed'));
  }
}
