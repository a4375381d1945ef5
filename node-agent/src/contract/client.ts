import { connectivityState } from '@grpc/grpc-js';
import type { CallOptions, ClientReadableStream, ClientUnaryCall, requestCallback } from '@grpc/grpc-js';
import type { Role } from '../core/command.ts';
import { AgentCallError, toCallError } from './call-error.ts';
import { channelOptions } from './channel.ts';
import type { CommandReply, CommandRequest } from './command-request.ts';
import { descriptionFromWire } from './description.ts';
import type { NodeDescription } from './description.ts';
import { roles } from './enums.ts';
import type { CommandReply__Output } from './generated/transship/agent/v1alpha1/CommandReply.ts';
import type { DescribeDevicesResponse__Output } from './generated/transship/agent/v1alpha1/DescribeDevicesResponse.ts';
import type { DeviceAgentClient } from './generated/transship/agent/v1alpha1/DeviceAgent.ts';
import type { SessionSnapshot__Output } from './generated/transship/agent/v1alpha1/SessionSnapshot.ts';
import { failureFromWire, snapshotFromWire } from './messages.ts';
import { endQuarantine, listSessions } from './recovery.ts';
import type { EndQuarantineReply } from './recovery.ts';
import { methodCall } from './requests.ts';
import type { MethodCall } from './requests.ts';
import type { SessionSnapshot } from '../core/snapshot.ts';
import { channelCredentials } from './tls.ts';
import type { TlsMaterial } from './tls.ts';
import { unaryCall } from './unary-call.ts';
import { UnreadableMessage } from './unreadable-message.ts';
import { wire } from './wire.ts';

export interface AgentClientOptions {
  /** `host:port` of the agent. */
  readonly endpoint: string;
  readonly tls: TlsMaterial;
  /** Node whose agent must answer there; null when the host name is what the certificate is checked for. */
  readonly nodeName: string | null;
}

type CommandRpc = (
  message: MethodCall['message'],
  options: CallOptions,
  done: requestCallback<CommandReply__Output>,
) => ClientUnaryCall;

/** How long a describe call may take, and how much longer than `waitMs` a command may, ms. */
const CALL_DEADLINE_MS = 10_000;

/**
 * The agent of one node. Calls reject with AgentCallError when there is no answer, and with the signal's reason
 * when the caller gave up; a command that the agent will not obey resolves with `refusal`.
 */
export interface AgentClient {
  /** Devices of the node; no ids: all. */
  describe(ids: readonly string[], signal: AbortSignal): Promise<NodeDescription>;
  /** Sends one fenced command; the agent holds the reply back for at most `waitMs` so that the session may settle. */
  command(request: CommandRequest, waitMs: number, signal: AbortSignal): Promise<CommandReply>;
  /** Snapshots of one session until aborted. Ends with AgentCallError when the connection breaks; call again. */
  observe(uid: string, role: Role, signal: AbortSignal): AsyncIterable<SessionSnapshot>;
  /** Every session of the node, in the order of their UIDs. `onlyBound`: only those that hold devices. */
  listSessions(onlyBound: boolean, signal: AbortSignal): Promise<SessionSnapshot[]>;
  /**
   * Resets a device that is in quarantine; what it held is gone. `uid`: the migration for which it is held, as a check, or
   * empty. Takes up to a minute.
   */
  endQuarantine(deviceId: string, uid: string, signal: AbortSignal): Promise<EndQuarantineReply>;
  close(): void;
}

/** Connects lazily and reconnects by itself; one channel for all calls. */
export function createAgentClient(options: AgentClientOptions): AgentClient {
  const { endpoint, tls, nodeName } = options;
  const stubs = new StubHolder(
    () => new wire.DeviceAgent(endpoint, channelCredentials(tls, nodeName), channelOptions(nodeName)),
  );
  return {
    describe: (ids, signal) => stubs.use((stub) => describe(stub, endpoint, ids, signal)),
    command: (request, waitMs, signal) =>
      stubs.use((stub) => command(stub, endpoint, request, waitMs, signal)),
    observe: (uid, role, signal) => observe(stubs.current, endpoint, uid, role, signal),
    listSessions: (onlyBound, signal) => stubs.use((stub) => listSessions(stub, endpoint, onlyBound, signal)),
    endQuarantine: (deviceId, uid, signal) =>
      stubs.use((stub) => endQuarantine(stub, endpoint, deviceId, uid, signal)),
    close: () => stubs.current.close(),
  };
}

/**
 * The stub of an endpoint. Two kinds of channels never get well again and are replaced: one that was still connecting
 * when a call ran out of time (a peer that was stopped between its handshake and its settings), and one whose session
 * TLS has destroyed (a byte that was altered on the way), on which grpc-js goes on failing every call as INTERNAL.
 */
class StubHolder {
  readonly #create: () => DeviceAgentClient;
  #stub: DeviceAgentClient;

  constructor(create: () => DeviceAgentClient) {
    this.#create = create;
    this.#stub = create();
  }

  get current(): DeviceAgentClient {
    return this.#stub;
  }

  async use<T>(call: (stub: DeviceAgentClient) => Promise<T>): Promise<T> {
    const stub = this.#stub;
    try {
      return await call(stub);
    } catch (error) {
      if (stub === this.#stub && error instanceof AgentCallError && isDead(stub, error)) {
        this.#stub = this.#create();
        stub.close();
      }
      throw error;
    }
  }
}

function isDead(stub: DeviceAgentClient, { code, status }: AgentCallError): boolean {
  if (status === 'INTERNAL') return true;
  const isConnecting = stub.getChannel().getConnectivityState(false) === connectivityState.CONNECTING;
  return code === 'DeadlineExceeded' && isConnecting;
}

async function describe(
  stub: DeviceAgentClient,
  endpoint: string,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<NodeDescription> {
  try {
    const send = unaryCall<DescribeDevicesResponse__Output>((callOptions, done) =>
      stub.describeDevices({ ids: [...ids] }, callOptions, done),
    );
    return descriptionFromWire(await send(CALL_DEADLINE_MS, signal));
  } catch (error) {
    signal.throwIfAborted();
    throw toCallError(endpoint, 'DescribeDevices', error);
  }
}

async function command(
  stub: DeviceAgentClient,
  endpoint: string,
  request: CommandRequest,
  waitMs: number,
  signal: AbortSignal,
): Promise<CommandReply> {
  const { method, message } = methodCall(request, waitMs);
  try {
    // methodCall pairs each method with its own message, which a union of overloads cannot express.
    const rpc = (stub[method] as CommandRpc).bind(stub);
    const send = unaryCall<CommandReply__Output>((callOptions, done) => rpc(message, callOptions, done));
    const reply = await send(waitMs + CALL_DEADLINE_MS, signal);
    if (reply.session === null) throw new UnreadableMessage('no session in the reply');
    const refusal = reply.refusal === null ? null : failureFromWire(reply.refusal);
    return { session: snapshotFromWire(reply.session), refusal };
  } catch (error) {
    signal.throwIfAborted();
    throw toCallError(endpoint, method, error);
  }
}

async function* observe(
  stub: DeviceAgentClient,
  endpoint: string,
  uid: string,
  role: Role,
  signal: AbortSignal,
): AsyncGenerator<SessionSnapshot, void> {
  signal.throwIfAborted();
  const call: ClientReadableStream<SessionSnapshot__Output> = stub.observe({
    migrationUid: uid,
    role: roles.toWire(role),
  });
  const cancel = (): void => call.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  // The present snapshot comes at once; the next one may take as long as it likes.
  const first = setTimeout(cancel, CALL_DEADLINE_MS);
  try {
    for await (const message of call as AsyncIterable<SessionSnapshot__Output>) {
      clearTimeout(first);
      yield snapshotFromWire(message);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw toCallError(endpoint, 'Observe', error);
  } finally {
    clearTimeout(first);
    signal.removeEventListener('abort', cancel);
    call.cancel();
  }
}
