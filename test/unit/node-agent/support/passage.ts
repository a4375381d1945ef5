import { systemClock } from '@transship/node-agent/internal/clock';
import type { Failure, Session } from '@transship/node-agent/internal/core/session';
import { streamKey } from '@transship/node-agent/internal/core/stream';
import type { StreamProgress } from '@transship/node-agent/internal/core/stream';
import type { Loading, Saving } from '@transship/node-agent/internal/session/ports';
import type { TransferOptions } from '@transship/node-agent/internal/transfer/frame';
import { PullDesk } from '@transship/node-agent/internal/transfer/pull-desk';
import { createStreams } from '@transship/node-agent/internal/transfer/streams';
import { crc32c } from './crc32c.ts';
import type { FakeDevice } from './fake-device.ts';
import { FakeFreezer } from './fake-freezer.ts';
import { MemoryPulls } from './memory-pulls.ts';
import type { Wire } from './memory-pulls.ts';
import { recordingLog } from './recording-log.ts';
import { aBoundDevice, aSession } from './sessions.ts';

/** Limits so small that everything is cut into pieces. */
export const TINY: TransferOptions = { windowBytes: 16, frameBytes: 4 };

/** One side of a passage as its session hears of it. */
export interface Heard {
  progress: readonly StreamProgress[];
  failure: Failure | null;
}

/** The streams of one generation between two devices in memory. */
export class Passage {
  readonly desk: PullDesk;
  readonly pulls: MemoryPulls;
  readonly sourceFreezer = FakeFreezer.healthy();
  readonly targetFreezer: FakeFreezer;
  readonly source: Heard = { progress: [], failure: null };
  readonly target: Heard = { progress: [], failure: null };
  session: Session;
  readonly #streams;
  readonly #from: FakeDevice;
  readonly #to: FakeDevice;

  constructor(from: FakeDevice, to: FakeDevice, wire: Wire = {}, targetFreezer = FakeFreezer.healthy()) {
    this.#from = from;
    this.#to = to;
    this.targetFreezer = targetFreezer;
    this.session = aSession({ devices: [aBoundDevice(from.id)] });
    this.desk = new PullDesk((uid) => (uid === this.session.uid ? this.session : null));
    this.pulls = new MemoryPulls(this.desk, wire);
    const parts = {
      desk: this.desk,
      connect: () => this.pulls,
      clock: systemClock,
      crc32c,
      log: recordingLog(),
    };
    this.#streams = createStreams(parts, TINY);
  }

  save(generation = 1): Saving {
    const order = { uid: this.session.uid, generation, devices: [this.#from], workload: this.sourceFreezer };
    return this.#streams.save(order, listen(this.source));
  }

  load(generation = 1, ticket = this.session.ticket, fence = 1): Loading {
    const pull = { endpoint: 'memory:1', node: 'gpu-a', ticket, bandwidthLimit: 0 };
    const order = {
      uid: this.session.uid,
      generation,
      pull,
      fence: () => fence,
      devices: [this.#to],
      workload: this.targetFreezer,
    };
    return this.#streams.load(order, listen(this.target));
  }

  /** Both sides, drained from the start, until both have everything or one has failed. */
  async complete(): Promise<void> {
    const saving = this.save();
    const loading = this.load();
    saving.drain();
    await until(() => (this.isComplete || this.failure !== null ? true : null));
    loading.end();
    saving.end();
  }

  get isComplete(): boolean {
    return [this.source, this.target].every(
      ({ progress }) => progress.length === 3 && progress.every(({ ended }) => ended),
    );
  }

  get failure(): Failure | null {
    return this.target.failure ?? this.source.failure;
  }
}

function listen(heard: Heard) {
  return {
    onProgress: (streams: readonly StreamProgress[]): void => {
      heard.progress = streams;
    },
    onFailure: (failure: Failure): void => {
      heard.failure = failure;
    },
  };
}

/** The progress of one stream, such as `device/0`. */
export const streamOf = (heard: Heard, key: string): StreamProgress | undefined =>
  heard.progress.find(({ totals }) => streamKey(totals) === key);

/** To end a test that fails. */
const DEADLINE_MS = 60_000;

/** Waits for real time to bring it about; what is tested here are orders and contents, not times. */
export async function until<T>(probe: () => T | null): Promise<T> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const found = probe();
    if (found !== null) return found;
    if (Date.now() > deadline) throw new Error(`nothing came of it within ${DEADLINE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Segments of the given sizes with bytes that all differ from their neighbours. */
export function segments(...sizes: number[]): Buffer[] {
  let next = 0;
  return sizes.map((size) => Buffer.from(Array.from({ length: size }, () => (next = (next + 7) % 251))));
}
