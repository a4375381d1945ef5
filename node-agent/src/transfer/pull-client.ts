import { status } from '@grpc/grpc-js';
import type { ChannelOptions, ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { isErrorCode } from '@transship/crds';
import { CODE_METADATA_KEY } from '../contract/call-error.ts';
import { CONNECTS_ONCE, channelOptions } from '../contract/channel.ts';
import { failure } from '../contract/failure.ts';
import type { PullRequest as WireRequest } from '../contract/generated/transship/agent/v1alpha1/PullRequest.ts';
import type { PullResponse__Output } from '../contract/generated/transship/agent/v1alpha1/PullResponse.ts';
import { channelCredentials } from '../contract/tls.ts';
import type { TlsMaterial } from '../contract/tls.ts';
import { UnreadableMessage } from '../contract/unreadable-message.ts';
import { wire } from '../contract/wire.ts';
import type { PullSource } from '../core/command.ts';
import { MAX_FRAME_BYTES } from './frame.ts';
import type { PullItem, PullRequest } from './frame.ts';
import type { PullChannel, PullConnector } from './incoming-stream.ts';
import { itemFromWire, requestToWire } from './messages.ts';
import { TransferFailure } from './transfer-failure.ts';

/** What the source may have on the way, bytes: above the product of any cluster's bandwidth and delay. */
const FLOW_CONTROL_WINDOW = 16 * 1024 * 1024;
/** Connecting, handshake and the source's answer that it has taken the pull, ms. */
const OPEN_TIMEOUT_MS = 8_000;
/** For the last words of a pull that is over, ms. */
const LINGER_MS = 5_000;
/** Fields of a frame around its data; more than enough. */
const FRAME_OVERHEAD_BYTES = 1024;

/**
 * Pulls over gRPC. Each pull has a connection of its own, so that a stream whose device is slow leaves the windows of
 * the others alone, and a new connection takes the certificates as they are then.
 */
export class GrpcPullConnector implements PullConnector {
  readonly #source: PullSource;
  readonly #loadTls: () => Promise<TlsMaterial>;

  constructor(source: PullSource, loadTls: () => Promise<TlsMaterial>) {
    this.#source = source;
    this.#loadTls = loadTls;
  }

  open(request: PullRequest, signal: AbortSignal): PullChannel {
    return new GrpcPullChannel(this.#source, this.#loadTls, request, signal);
  }
}

type Call = ClientDuplexStream<WireRequest, PullResponse__Output>;

class GrpcPullChannel implements PullChannel {
  readonly #source: PullSource;
  readonly #loadTls: () => Promise<TlsMaterial>;
  readonly #request: PullRequest;
  readonly #signal: AbortSignal;
  #call: Call | null = null;

  constructor(
    source: PullSource,
    loadTls: () => Promise<TlsMaterial>,
    request: PullRequest,
    signal: AbortSignal,
  ) {
    this.#source = source;
    this.#loadTls = loadTls;
    this.#request = request;
    this.#signal = signal;
  }

  acknowledge(written: number, accepted: number): void {
    this.#call?.write({ ack: { written, accepted } });
  }

  done(): void {
    this.#call?.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<PullItem, void> {
    const { endpoint, node } = this.#source;
    const credentials = channelCredentials(await this.#loadTls(), node);
    this.#signal.throwIfAborted();
    const client = new wire.DeviceTransfer(endpoint, credentials, pullOptions(node));
    const call: Call = client.pull();
    // The iteration reports errors; one that comes after it, such as that of cancel(), is nobody's business.
    call.on('error', () => undefined);
    const cancel = (): void => call.cancel();
    this.#signal.addEventListener('abort', cancel, { once: true });
    // The source says at once that it has taken the pull, however long its data takes.
    const taken = setTimeout(cancel, OPEN_TIMEOUT_MS);
    call.on('metadata', () => clearTimeout(taken));
    try {
      this.#call = call;
      call.write({ open: requestToWire(this.#request) });
      for await (const message of call as AsyncIterable<PullResponse__Output>) {
        yield itemFromWire(message);
      }
    } catch (error) {
      throw asRefusal(error) ?? error;
    } finally {
      clearTimeout(taken);
      this.#call = null;
      this.#signal.removeEventListener('abort', cancel);
      call.cancel();
      client.close();
      credentials.release(LINGER_MS);
    }
  }
}

function pullOptions(node: string): ChannelOptions {
  return {
    ...channelOptions(node),
    // A connection that died is part of the downtime, so it is looked for more often than between operator and
    // agent. The answer queues behind a few MiB of data at most, so links of 10 Mbit/s are fast enough for it.
    'grpc.keepalive_time_ms': 1_000,
    'grpc.keepalive_timeout_ms': 4_000,
    'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW,
    'grpc.max_receive_message_length': MAX_FRAME_BYTES + FRAME_OVERHEAD_BYTES,
    'grpc.use_local_subchannel_pool': 1,
    // A pull that could not connect is over, and the next one has a client of its own.
    ...CONNECTS_ONCE,
  };
}

/**
 * A source that names a code will not change its mind, and one that sends messages above the limit will do so again;
 * anything else is a broken connection.
 */
function asRefusal(error: unknown): TransferFailure | null {
  if (error instanceof UnreadableMessage)
    return new TransferFailure(failure('MessageUnreadable', `a message of the source: ${error.message}`));
  const { code: statusCode, metadata, details } = error as Partial<ServiceError>;
  if (statusCode === status.RESOURCE_EXHAUSTED)
    return new TransferFailure(failure('StreamTooLarge', `a message of the source: ${details ?? ''}`));
  const code = metadata?.get(CODE_METADATA_KEY)[0]?.toString() ?? '';
  return isErrorCode(code)
    ? new TransferFailure(failure(code, `the source refused: ${details ?? ''}`))
    : null;
}
