import { streamKey } from '../core/stream.ts';
import type { StreamId } from '../core/stream.ts';
import { MAX_EXTERNALS_BYTES } from '../device/externals.ts';
import type { Log, Saving, SavingOrder, StreamListener } from '../session/ports.ts';
import { DeviceSource } from './device-source.ts';
import { OutgoingStream } from './outgoing-stream.ts';
import type { OutgoingOptions } from './outgoing-stream.ts';
import { ProgressReporter } from './progress.ts';
import { BlobSource } from './segment-source.ts';
import type { SegmentSource } from './segment-source.ts';
import { toFailure } from './transfer-failure.ts';
import { WorkloadSource } from './workload-source.ts';
import type { FinalPassLimits } from './workload-source.ts';
import { savingIdOf } from '../workload/freezer.ts';

export interface SavingOptions extends OutgoingOptions {
  readonly log: Log;
  readonly finalPass: FinalPassLimits;
}

/** All streams of one generation at the source. */
export class SavingSession implements Saving {
  readonly uid: string;
  readonly generation: number;
  readonly #streams: ReadonlyMap<string, OutgoingStream>;
  readonly #progress: ProgressReporter;
  readonly #onEnd: () => void;
  #failed = false;

  constructor(order: SavingOrder, listener: StreamListener, options: SavingOptions, onEnd: () => void) {
    this.uid = order.uid;
    this.generation = order.generation;
    this.#onEnd = onEnd;
    const read = (): ReturnType<typeof this.read> => this.read();
    this.#progress = new ProgressReporter(options.clock, read, (streams) => listener.onProgress(streams));
    const events = {
      onChange: (atOnce: boolean) => this.#progress.changed(atOnce),
      onError: (error: unknown) => {
        if (this.#failed) return;
        this.#failed = true;
        listener.onFailure(toFailure(error));
      },
    };
    const streams = sourcesOf(order, options).map(
      ([id, source]) => new OutgoingStream(id, source, options, events),
    );
    this.#streams = new Map(streams.map((stream) => [streamKey(stream.id), stream]));
  }

  /** null: the set has no such stream. */
  stream(id: StreamId): OutgoingStream | null {
    return this.#streams.get(streamKey(id)) ?? null;
  }

  /** How far each stream is, in the fixed order of a set. */
  read(): OutgoingStream['progress'][] {
    return [...this.#streams.values()].map((stream) => stream.progress);
  }

  drain(): void {
    for (const stream of this.#streams.values()) stream.drain();
  }

  end(): void {
    this.#progress.stop();
    for (const stream of this.#streams.values()) stream.stop();
    this.#onEnd();
  }
}

/** In the order of streamsOfSet. */
function sourcesOf(order: SavingOrder, options: SavingOptions): [StreamId, SegmentSource][] {
  const { clock, crc32c, log, finalPass: limits } = options;
  const ofDevices = order.devices.flatMap((device, deviceIndex): [StreamId, SegmentSource][] => [
    [{ kind: 'device', deviceIndex }, new DeviceSource(device, () => clock.now())],
    [
      { kind: 'externals', deviceIndex },
      new BlobSource(() => device.readExternals(), MAX_EXTERNALS_BYTES, crc32c),
    ],
  ]);
  const { workload, devices } = order;
  const savingId = savingIdOf(order.uid, order.generation);
  const ofWorkload = new WorkloadSource({ workload, devices, savingId, crc32c, log, clock, limits });
  return [...ofDevices, [{ kind: 'workload', deviceIndex: 0 }, ofWorkload]];
}
