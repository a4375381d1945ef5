import { connect } from 'node:net';
import type { CallOptions, ClientUnaryCall, requestCallback } from '@grpc/grpc-js';
import { systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { unaryCall } from '../contract/unary-call.ts';
import type { WorkloadState } from '../core/session.ts';
import { malformed, toHookError } from './hook-error.ts';
import { factsFromWire } from './hook-facts.ts';
import { HookLoad } from './hook-load.ts';
import { savePieces } from './hook-save.ts';
import { connectHook } from './hook-wire.ts';
import type { Freezer, SaveOrder, WorkloadFacts, WorkloadLoad } from './freezer.ts';
import type { DescribeResponse__Output } from './generated/transship/workload/v1alpha1/DescribeResponse.ts';
import type { State__Output } from './generated/transship/workload/v1alpha1/State.ts';
import type { WorkloadHookClient } from './generated/transship/workload/v1alpha1/WorkloadHook.ts';

/** How long a hook may take, ms. Freezing waits for work in progress; the state is asked for while others wait. */
export const HOOK_DEADLINES = {
  describe: 5_000,
  state: 2_000,
  freeze: 10_000,
  thaw: 10_000,
  expect: 10_000,
  discard: 10_000,
  devicesReset: 5_000,
  /** Between two messages of Save or Load. */
  stall: 30_000,
  /** From the last byte of Load to its answer. */
  loaded: 60_000,
};

export interface HookOptions {
  readonly socketPath: string;
  /** Name of a device as the workload knows it (its name at the broker); by default its id. */
  readonly nameOf?: (id: string) => string;
  readonly clock?: Clock;
  readonly deadlines?: typeof HOOK_DEADLINES;
}

type Answered = { readonly state: State__Output };
type Rpc<Reply> = (
  client: WorkloadHookClient,
  options: CallOptions,
  done: requestCallback<Reply>,
) => ClientUnaryCall;

const STATES: Partial<Record<State__Output, WorkloadState>> = {
  STATE_RUNNING: 'running',
  STATE_FROZEN: 'frozen',
  STATE_INCOMING: 'discarded',
  STATE_ENDED: 'discarded',
};

const FOREVER = new AbortController().signal;

/** The workload that serves transship.workload.v1alpha1.WorkloadHook at a Unix socket (docs/workload-hook.md). */
export class HookFreezer implements Freezer {
  readonly #socketPath: string;
  readonly #nameOf: (id: string) => string;
  readonly #clock: Clock;
  readonly #deadlines: typeof HOOK_DEADLINES;

  constructor({ socketPath, nameOf, clock, deadlines }: HookOptions) {
    this.#socketPath = socketPath;
    this.#nameOf = nameOf ?? ((id) => id);
    this.#clock = clock ?? systemClock;
    this.#deadlines = deadlines ?? HOOK_DEADLINES;
  }

  async describe(): Promise<WorkloadFacts> {
    const description = await this.#ask<DescribeResponse__Output>(
      'Describe',
      this.#deadlines.describe,
      (client, options, done) => client.describe({}, options, done),
    );
    try {
      return factsFromWire(description);
    } catch (error) {
      throw malformed(this.#socketPath, 'Describe', (error as Error).message);
    }
  }

  async freeze(): Promise<void> {
    await this.#order('Freeze', this.#deadlines.freeze, ['STATE_FROZEN'], (client, options, done) =>
      client.freeze({}, options, done),
    );
  }

  async thaw(): Promise<void> {
    await this.#order('Thaw', this.#deadlines.thaw, ['STATE_RUNNING'], (client, options, done) =>
      client.thaw({}, options, done),
    );
  }

  save(order: SaveOrder): AsyncIterable<Buffer> {
    const client = connectHook(this.#socketPath);
    const nameOf = this.#nameOf;
    const stallMs = this.#deadlines.stall;
    return savePieces({ client, socketPath: this.#socketPath, clock: this.#clock, stallMs, nameOf }, order);
  }

  async expect(savingId: string): Promise<void> {
    await this.#order('ExpectIncoming', this.#deadlines.expect, ['STATE_INCOMING'], (client, options, done) =>
      client.expectIncoming({ savingId }, options, done),
    );
  }

  load(savingId: string, signal: AbortSignal): WorkloadLoad {
    const client = connectHook(this.#socketPath);
    const { stall, loaded } = this.#deadlines;
    const limits = { stallMs: stall, replyMs: loaded };
    return new HookLoad({
      client,
      socketPath: this.#socketPath,
      clock: this.#clock,
      savingId,
      signal,
      ...limits,
    });
  }

  /** A workload whose process is gone has ended: what it had in memory went with it. */
  async discard(): Promise<void> {
    const ended: readonly State__Output[] = ['STATE_ENDED', 'STATE_INCOMING'];
    try {
      await this.#order('Discard', this.#deadlines.discard, ended, (client, options, done) =>
        client.discard({}, options, done),
      );
    } catch (error) {
      if (!(await isGone(this.#socketPath))) throw error;
    }
  }

  async devicesReset(ids: readonly string[]): Promise<void> {
    const devices = ids.map((id) => this.#nameOf(id));
    const still: readonly State__Output[] = ['STATE_FROZEN', 'STATE_RUNNING'];
    await this.#order('NotifyDevicesReset', this.#deadlines.devicesReset, still, (client, options, done) =>
      client.notifyDevicesReset({ devices }, options, done),
    );
  }

  async state(): Promise<WorkloadState> {
    try {
      const { state } = await this.#ask<Answered>(
        'GetState',
        this.#deadlines.state,
        (client, options, done) => client.getState({}, options, done),
      );
      return STATES[state] ?? 'unknown';
    } catch {
      return 'unknown';
    }
  }

  /** An order that is obeyed says where the workload then stands: an empty answer is none. */
  async #order(
    method: string,
    deadlineMs: number,
    reached: readonly State__Output[],
    rpc: Rpc<Answered>,
  ): Promise<void> {
    const { state } = await this.#ask(method, deadlineMs, rpc);
    if (reached.includes(state)) return;
    const wanted = reached.map((name) => name.replace('STATE_', '')).join(' or ');
    throw malformed(this.#socketPath, method, `it is ${state} afterwards, not ${wanted}`);
  }

  async #ask<Reply>(method: string, deadlineMs: number, rpc: Rpc<Reply>): Promise<Reply> {
    const client = connectHook(this.#socketPath);
    try {
      const send = unaryCall<Reply>((options, done) => rpc(client, options, done as requestCallback<Reply>));
      return await send(deadlineMs, FOREVER);
    } catch (error) {
      throw toHookError(this.#socketPath, method, error);
    } finally {
      client.close();
    }
  }
}

/** Nobody listens at the socket: the process that did has ended. One that is stopped or busy still does. */
async function isGone(socketPath: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(socketPath);
  socket.once('connect', () => resolve(false));
  socket.once('error', ({ code }: NodeJS.ErrnoException) =>
    resolve(code === 'ENOENT' || code === 'ECONNREFUSED'),
  );
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}
