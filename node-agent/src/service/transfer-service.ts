import { Metadata } from '@grpc/grpc-js';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { DeviceTransferHandlers } from '../contract/generated/transship/agent/v1alpha1/DeviceTransfer.ts';
import type { PullRequest__Output } from '../contract/generated/transship/agent/v1alpha1/PullRequest.ts';
import type { PullResponse } from '../contract/generated/transship/agent/v1alpha1/PullResponse.ts';
import type { Failure } from '../core/session.ts';
import type { PullItem } from '../transfer/frame.ts';
import { itemToWire } from '../transfer/messages.ts';
import type { Attachment, Puller } from '../transfer/outgoing-stream.ts';
import type { PullDesk } from '../transfer/pull-desk.ts';
import { requireAgent } from './authorize.ts';
import { MalformedRequest, parseAck, parseOpen } from './requests.ts';
import { comeAgain, statusOf, statusOfFailure } from './status.ts';

type PullCall = ServerDuplexStream<PullRequest__Output, PullResponse>;

/** DeviceTransfer: what agents of targets call. */
export function transferService(desk: PullDesk): DeviceTransferHandlers {
  return { Pull: (call) => servePull(desk, call) };
}

function servePull(desk: PullDesk, call: PullCall): void {
  const puller = new CallPuller(call);
  let attachment: Attachment | null = null;
  const end = (): void => {
    puller.gone();
    attachment?.detach();
  };
  for (const event of ['cancelled', 'error', 'close'] as const) call.on(event, end);
  call.on('end', () => attachment?.done());
  call.on('data', (message: PullRequest__Output) => {
    try {
      if (message.open) {
        if (attachment !== null) throw new MalformedRequest('a pull is opened once');
        requireAgent(call);
        const request = parseOpen(message.open);
        puller.welcome();
        attachment = desk.open(request, puller);
      } else if (message.ack && attachment !== null) {
        const { written, accepted } = parseAck(message.ack);
        attachment.acknowledge(written, accepted);
      } else {
        throw new MalformedRequest('a pull begins with open, acknowledgements follow');
      }
    } catch (error) {
      puller.fail(statusOf(error));
      attachment?.detach();
    }
  });
}

/** A gRPC call as the puller it comes from. Whatever is called after its end is without effect. */
class CallPuller implements Puller {
  readonly #call: PullCall;
  /** Of the send that waits for the connection to take more; there is at most one. */
  #waiting: PromiseWithResolvers<void> | null = null;
  #open = true;

  constructor(call: PullCall) {
    this.#call = call;
    call.on('drain', () => this.#waiting?.resolve());
  }

  /** Tells the other end that the call has arrived. */
  welcome(): void {
    this.#call.sendMetadata(new Metadata());
  }

  send(item: PullItem): Promise<void> {
    if (!this.#open) return Promise.reject(new Error('the puller is gone'));
    if (this.#call.write(itemToWire(item))) return Promise.resolve();
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  finish(): void {
    if (!this.#open) return;
    this.gone();
    this.#call.end();
  }

  dismiss(why: Failure | null): void {
    this.fail(
      why === null
        ? comeAgain('another pull or generation took the place of this one')
        : statusOfFailure(why),
    );
  }

  fail(status: ReturnType<typeof statusOf>): void {
    if (!this.#open) return;
    this.gone();
    this.#call.emit('error', Object.assign(new Error(status.details), status));
  }

  gone(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#waiting?.reject(new Error('the puller is gone'));
  }
}
