import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { Clock } from '../clock.ts';
import { malformed, toHookError } from './hook-error.ts';
import { StallGuard } from './hook-stall.ts';
import { MAX_PIECE_BYTES } from './freezer.ts';
import type { DirtyMemory, SaveOrder } from './freezer.ts';
import type { SaveBegin } from './generated/transship/workload/v1alpha1/SaveBegin.ts';
import type { SaveRequest } from './generated/transship/workload/v1alpha1/SaveRequest.ts';
import type { SaveResponse__Output } from './generated/transship/workload/v1alpha1/SaveResponse.ts';
import type { WorkloadHookClient } from './generated/transship/workload/v1alpha1/WorkloadHook.ts';

type Call = ClientDuplexStream<SaveRequest, SaveResponse__Output>;

export interface SaveParts {
  readonly client: WorkloadHookClient;
  readonly socketPath: string;
  readonly clock: Clock;
  /** Longest time that the hook may let pass before it takes or gives the next message, ms. */
  readonly stallMs: number;
  /** Name of a device as the workload knows it. */
  readonly nameOf: (id: string) => string;
}

/**
 * One pass of Save. What is not read waits in the workload: gRPC's flow control holds it back. Rejects with
 * WorkloadHookError unless the hook ended the pass with OK. Closes the client.
 */
export async function* savePieces(parts: SaveParts, order: SaveOrder): AsyncGenerator<Buffer, void> {
  const { client, socketPath, clock, stallMs, nameOf } = parts;
  const call: Call = client.save();
  const guard = new StallGuard(clock, stallMs, () => call.cancel());
  // Also heard of by whoever waits at that moment. No promise: all that races against one lives as long as it does.
  const failed: Error[] = [];
  call.on('error', (error) => failed.push(error));
  const cancel = (): void => call.cancel();
  order.signal.addEventListener('abort', cancel, { once: true });
  const throwIfFailed = (): void => {
    if (failed[0] !== undefined) throw failed[0];
  };
  const send = (message: SaveRequest): Promise<void> => {
    throwIfFailed();
    return guard.watch(written(call, message));
  };
  try {
    order.signal.throwIfAborted();
    await send({ begin: beginOf(order) });
    for await (const memory of order.dirty) await send(dirtyToWire(memory, nameOf(memory.device)));
    call.end();
    const answers = call[Symbol.asyncIterator]() as AsyncIterator<SaveResponse__Output, void>;
    for (;;) {
      // The iterator tells only of what happens while it is asked.
      throwIfFailed();
      const { done, value } = await guard.watch(answers.next());
      if (done === true) return;
      order.onPending(Number(value.pendingBytes));
      if (value.data.length > MAX_PIECE_BYTES) {
        throw malformed(socketPath, 'Save', `${value.data.length} bytes at once, at most ${MAX_PIECE_BYTES}`);
      }
      if (value.data.length > 0) yield value.data;
    }
  } catch (error) {
    order.signal.throwIfAborted();
    if (guard.stalled) throw malformed(socketPath, 'Save', `no progress within ${stallMs} ms`);
    throw toHookError(socketPath, 'Save', error);
  } finally {
    order.signal.removeEventListener('abort', cancel);
    call.cancel();
    client.close();
  }
}

function beginOf({ savingId, pass, incremental }: SaveOrder): SaveBegin {
  return { savingId, pass: pass === 'live' ? 'SAVE_PASS_LIVE' : 'SAVE_PASS_FINAL', incremental };
}

function dirtyToWire(memory: DirtyMemory, device: string): SaveRequest {
  if (memory.kind === 'unknown') return { dirtyUnknown: { device, reason: memory.reason } };
  const { iova, length, pageSize, bitmap } = memory;
  return { dirty: { device, iova: `${iova}`, length: `${length}`, pageSize, bitmap } };
}

/** A call that fails does not always answer for what was written to it. */
function written(call: Call, message: SaveRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    call.once('error', reject);
    call.write(message, (error?: Error | null) => {
      call.off('error', reject);
      if (error) reject(error);
      else resolve();
    });
  });
}
