import { failure } from '../contract/failure.ts';
import { MAX_PIECE_BYTES } from '../workload/freezer.ts';
import type { Freezer, WorkloadLoad } from '../workload/freezer.ts';
import type { StreamSink } from './stream-sink.ts';
import { TransferFailure, toFailure } from './transfer-failure.ts';

/** The workload's own state, straight into the waiting workload. */
export class WorkloadSink implements StreamSink {
  readonly #open: () => WorkloadLoad;
  #load: WorkloadLoad | null = null;
  #finished: Promise<void> | null = null;

  constructor(workload: Freezer, savingId: string, signal: AbortSignal) {
    this.#open = () => workload.load(savingId, signal);
  }

  begin(size: number): Promise<void> {
    if (size <= MAX_PIECE_BYTES) return Promise.resolve();
    const why = `a piece of ${size} bytes of the workload's state, ${MAX_PIECE_BYTES} are taken`;
    return Promise.reject(new TransferFailure(failure('StreamTooLarge', why)));
  }

  async write(data: Buffer): Promise<void> {
    await told(() => this.#opened().write(data));
  }

  commit(): Promise<void> {
    return Promise.resolve();
  }

  finish(): Promise<void> {
    this.#finished ??= told(() => this.#opened().finish());
    return this.#finished;
  }

  #opened(): WorkloadLoad {
    this.#load ??= this.#open();
    return this.#load;
  }
}

/** What the workload's control rejects with has no code of its own. */
async function told(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    const why = toFailure(error);
    throw new TransferFailure(why.code === 'Internal' ? failure('WorkloadFailed', why.message) : why);
  }
}
