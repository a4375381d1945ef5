import type { CallOptions, ClientUnaryCall, requestCallback } from '@grpc/grpc-js';
import { systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { unaryCall } from '../contract/unary-call.ts';
import type { WorkloadState } from '../core/session.ts';
import { isOfAnotherBoot } from '../device/incarnation.ts';
import { malformed, toHookError, WorkloadHookError } from './hook-error.ts';
import { factsFromWire } from './hook-facts.ts';
import { HookLoad } from './hook-load.ts';
import type { Holding } from './holding.ts';
import { isUnserved } from './hook-socket.ts';
import type { HookAddress } from './hook-socket.ts';
import { savePieces } from './hook-save.ts';
import { connectHook } from './hook-wire.ts';
import { WorkloadGone } from './freezer.ts';
import type { Freezer, SaveOrder, WorkloadAnswer, WorkloadFacts, WorkloadLoad } from './freezer.ts';
import type { DescribeResponse__Output } from './generated/transship/workload/v1alpha1/DescribeResponse.ts';
import type { State__Output } from './generated/transship/workload/v1alpha1/State.ts';
import type { WorkloadHookClient } from './generated/transship/workload/v1alpha1/WorkloadHook.ts';

/** How long a hook may take, ms. Freezing waits for work in progress; the state is asked for while others wait. */
export const HOOK_DEADLINES = {
  describe: 5_000,
  state: 4_000,
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

/** How a workload calls its devices: by their names at the broker. */
export interface DeviceNames {
  readonly nameOf: (id: string) => string;
  /** The name itself where this node has no such device. */
  readonly idOf: (name: string) => string;
}

export interface HookOptions {
  readonly socketPath: string;
  /** User of the workload; by default the owner of the socket's folder. */
  readonly uid?: number | null;
  /** By default devices are called by their ids. */
  readonly names?: DeviceNames;
  /** Who but the agent has devices of the workload; by default nobody could. */
  readonly held?: () => Promise<Holding>;
  /** Id of the machine's boot; by default nobody can tell by it that a workload began anew. */
  readonly boot?: string;
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

/** Nobody has answered yet; with any other status somebody has, and will say the same again. */
const SILENT: ReadonlySet<string> = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED']);

const BY_ID: DeviceNames = { nameOf: (id) => id, idOf: (name) => name };

const FOREVER = new AbortController().signal;

/** The workload that serves transship.workload.v1alpha1.WorkloadHook at a Unix socket (docs/workload-hook.md). */
export class HookFreezer implements Freezer {
  readonly #socketPath: string;
  readonly #address: HookAddress;
  readonly #names: DeviceNames;
  readonly #held: () => Promise<Holding>;
  readonly #boot: string | null;
  readonly #clock: Clock;
  readonly #deadlines: typeof HOOK_DEADLINES;

  constructor({ socketPath, uid, names, held, boot, clock, deadlines }: HookOptions) {
    this.#socketPath = socketPath;
    this.#address = { socketPath, uid: uid ?? null };
    this.#names = names ?? BY_ID;
    this.#held = held ?? (() => Promise.resolve({ kind: 'nobody' }));
    this.#boot = boot ?? null;
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
      const facts = factsFromWire(description);
      return { ...facts, devices: facts.devices.map(this.#names.idOf) };
    } catch (error) {
      throw malformed(this.#socketPath, 'Describe', (error as Error).message);
    }
  }

  async freeze(savingId: string): Promise<void> {
    const frozen = this.#order('Freeze', this.#deadlines.freeze, ['STATE_FROZEN'], (client, options, done) =>
      client.freeze({ savingId }, options, done),
    );
    await this.#unlessGone(frozen);
  }

  async thaw(savingId: string): Promise<void> {
    const thawed = this.#order('Thaw', this.#deadlines.thaw, ['STATE_RUNNING'], (client, options, done) =>
      client.thaw({ savingId }, options, done),
    );
    await this.#unlessGone(thawed);
  }

  save(order: SaveOrder): AsyncIterable<Buffer> {
    const client = connectHook(this.#address);
    const { nameOf } = this.#names;
    const stallMs = this.#deadlines.stall;
    return savePieces({ client, socketPath: this.#socketPath, clock: this.#clock, stallMs, nameOf }, order);
  }

  async expect(savingId: string): Promise<void> {
    await this.#order('ExpectIncoming', this.#deadlines.expect, ['STATE_INCOMING'], (client, options, done) =>
      client.expectIncoming({ savingId }, options, done),
    );
  }

  load(savingId: string, signal: AbortSignal): WorkloadLoad {
    const client = connectHook(this.#address);
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

  /** A workload that is gone has ended: what it had in memory went with it. */
  async discard(): Promise<void> {
    const ended: readonly State__Output[] = ['STATE_ENDED', 'STATE_INCOMING'];
    const discarded = this.#order('Discard', this.#deadlines.discard, ended, (client, options, done) =>
      client.discard({}, options, done),
    );
    try {
      await this.#unlessGone(discarded);
    } catch (error) {
      if (!(error instanceof WorkloadGone)) throw error;
    }
  }

  async devicesReset(ids: readonly string[]): Promise<void> {
    const devices = ids.map(this.#names.nameOf);
    const still: readonly State__Output[] = ['STATE_FROZEN', 'STATE_RUNNING'];
    const { devicesReset: deadline } = this.#deadlines;
    const told = this.#order('NotifyDevicesReset', deadline, still, (client, options, done) =>
      client.notifyDevicesReset({ devices }, options, done),
    );
    await this.#unlessGone(told);
  }

  async state(): Promise<WorkloadState> {
    const { state } = await this.ask();
    return state;
  }

  async ask(): Promise<WorkloadAnswer> {
    try {
      const { state } = await this.#ask<Answered>(
        'GetState',
        this.#deadlines.state,
        (client, options, done) => client.getState({}, options, done),
      );
      const known = STATES[state];
      if (known !== undefined) return { state: known, trouble: null };
      throw malformed(this.#socketPath, 'GetState', `it says ${state}, which is no state`);
    } catch (error) {
      const { status, message } = error as WorkloadHookError;
      return { state: 'unknown', trouble: { kind: SILENT.has(status) ? 'silent' : 'refused', message } };
    }
  }

  async isGone(): Promise<boolean> {
    return (await isUnserved(this.#address)) && (await this.#held()).kind === 'nobody';
  }

  /** No process outlives its machine. One that was begun anew since the same boot does not show. */
  beganAfter(incarnations: readonly string[]): Promise<boolean> {
    const boot = this.#boot;
    return Promise.resolve(boot !== null && incarnations.some((seen) => isOfAnotherBoot(seen, boot)));
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

  /**
   * Rejects with WorkloadGone when an order failed because there is nobody left to obey: nobody serves the hook, and
   * nobody holds a device of the workload. A supervisor may have ended and left the frozen process behind.
   */
  async #unlessGone(order: Promise<void>): Promise<void> {
    try {
      await order;
    } catch (error) {
      if (!(await isUnserved(this.#address))) throw error;
      const { message } = error as Error;
      const holding = await this.#held();
      if (holding.kind === 'nobody')
        throw new WorkloadGone(`the workload has ended: ${message}`, { cause: error });
      const doubt =
        holding.kind === 'held'
          ? `${holding.by} still has its devices, so it has not ended`
          : `nobody can tell who has its devices (${holding.why}), so it may not have ended`;
      throw new WorkloadHookError('UNAVAILABLE', `${message}; but ${doubt}`, error);
    }
  }

  async #ask<Reply>(method: string, deadlineMs: number, rpc: Rpc<Reply>): Promise<Reply> {
    const client = connectHook(this.#address);
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
