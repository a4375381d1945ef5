import {
  AgentCallError,
  type AgentClient,
  type CommandRequest,
  type Failure,
  type Role,
  type SessionSnapshot,
  versionSkew,
} from '@transship/node-agent/contract';
import { Backoff } from '../backoff.ts';
import type { AgentPort, AgentReply, Clock, Log } from '../reconcile/ports.ts';
import { describeError } from '../telemetry/log.ts';
import type { Circuit } from './circuit.ts';
import { SnapshotOrder } from './snapshot-order.ts';

/** A call is sent at most this often; every one is idempotent: the agent answers a repeated command from its journal. */
const ATTEMPTS = 3;
const CALL_BACKOFF = { firstMs: 100, capMs: 1_000 };
const OBSERVE_BACKOFF = { firstMs: 100, capMs: 5_000 };

export interface AgentDependencies {
  readonly nodeName: string;
  /** The client to use now, or null when nobody knows where the agent listens. */
  readonly client: () => AgentClient | null;
  /** What is known of its being alive; null: every call waits as long as it may take. */
  readonly circuit: () => Circuit | null;
  readonly clock: Clock;
  readonly log: Log;
}

/** The agent of one node, wherever it listens at the moment of a call. */
export class Agent implements AgentPort {
  readonly #nodeName: string;
  readonly #client: () => AgentClient | null;
  readonly #circuit: () => Circuit | null;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor({ nodeName, client, circuit, clock, log }: AgentDependencies) {
    this.#nodeName = nodeName;
    this.#client = client;
    this.#circuit = circuit;
    this.#clock = clock;
    this.#log = log;
  }

  describe(ids: readonly string[], signal: AbortSignal) {
    return this.#call(signal, async (client) => {
      const { nodeName, devices, transferEndpoint, contractVersion, podResources } = await client.describe(
        ids,
        signal,
      );
      const skew = versionSkew('the operator', `the agent of node ${this.#nodeName}`, contractVersion);
      if (skew !== null) return unreachable('VersionSkew', skew);
      if (nodeName === this.#nodeName) {
        return { kind: 'devices' as const, devices, transferEndpoint, podResources: podResources ?? null };
      }
      return unreachable(
        'NodeUnknown',
        `the agent of node ${this.#nodeName} says that it serves node ${nodeName}`,
      );
    });
  }

  command(request: CommandRequest, waitMs: number, signal: AbortSignal): Promise<AgentReply> {
    return this.#call(signal, async (client) => {
      const { session, refusal } = await client.command(request, waitMs, signal);
      return { kind: 'session', session, refusal };
    });
  }

  /** The present snapshot of one session; one that the agent has never heard of has fence 0. */
  session(uid: string, role: Role, signal: AbortSignal) {
    return this.#call(signal, async (client) => {
      for await (const session of client.observe(uid, role, signal))
        return { kind: 'snapshot' as const, session };
      return unreachable(
        'AgentUnreachable',
        `the agent of ${this.#nodeName} ended its answer before it began`,
      );
    });
  }

  /** Sessions of the node; `onlyBound`: those that hold devices. */
  sessions(onlyBound: boolean, signal: AbortSignal) {
    return this.#call(signal, async (client) => {
      return { kind: 'sessions' as const, sessions: await client.listSessions(onlyBound, signal) };
    });
  }

  /** Resets a device that is in quarantine, on behalf of the migration `uid` that it is held for. */
  endQuarantine(device: string, uid: string, signal: AbortSignal) {
    return this.#call(signal, async (client) => {
      const { refusal } = await client.endQuarantine(device, uid, signal);
      return { kind: 'ended' as const, refusal };
    });
  }

  observe(
    uid: string,
    role: Role,
    onSnapshot: (snapshot: SessionSnapshot) => void,
    signal: AbortSignal,
  ): void {
    void this.#observe(uid, role, onSnapshot, signal);
  }

  async #observe(
    uid: string,
    role: Role,
    onSnapshot: (snapshot: SessionSnapshot) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const order = new SnapshotOrder();
    const backoff = new Backoff(OBSERVE_BACKOFF);
    while (!signal.aborted) {
      try {
        for await (const snapshot of this.#client()?.observe(uid, role, signal) ?? []) {
          backoff.reset();
          this.#circuit()?.note(null);
          if (order.accept(snapshot)) onSnapshot(snapshot);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof AgentCallError) this.#circuit()?.note(silenceIn(error));
        this.#log.debug(
          { node: this.#nodeName, uid, role, cause: describeError(error) },
          'observation broke off',
        );
      }
      await this.#clock.sleep(backoff.next(), signal);
    }
  }

  /** @throws the reason of the signal once that is aborted, and mistakes of ours. */
  async #call<Result>(
    signal: AbortSignal,
    call: (client: AgentClient) => Promise<Result>,
  ): Promise<Result | { readonly kind: 'unreachable'; readonly failure: Failure }> {
    const backoff = new Backoff(CALL_BACKOFF);
    for (let attempt = 1; ; attempt += 1) {
      const client = this.#client();
      if (client === null)
        return unreachable('AgentUnreachable', `no agent of node ${this.#nodeName} is known`);
      const circuit = this.#circuit();
      const dead = (await circuit?.admit(this.#nodeName, signal)) ?? null;
      signal.throwIfAborted();
      if (dead !== null) return { kind: 'unreachable', failure: dead };
      try {
        const result = await call(client);
        circuit?.note(null);
        return result;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof AgentCallError)) throw error;
        // Only a call that surely ended is repeated; one past its deadline has used up the time of its caller.
        if (error.code !== 'AgentUnreachable' || attempt === ATTEMPTS) {
          circuit?.note(silenceIn(error));
          return unreachable(error.code, error.message);
        }
        await this.#clock.sleep(backoff.next(), signal);
        signal.throwIfAborted();
      }
    }
  }
}

/** What a failed call says of the agent; null: it lives. */
export function silenceIn(error: AgentCallError): Failure | null {
  const isSilent = error.code === 'AgentUnreachable' || error.code === 'DeadlineExceeded';
  return isSilent ? { code: error.code, message: error.message, device: null } : null;
}

function unreachable(
  code: string,
  message: string,
): { readonly kind: 'unreachable'; readonly failure: Failure } {
  return { kind: 'unreachable', failure: { code, message, device: null } };
}
