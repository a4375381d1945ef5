import type { StreamId, StreamProgress } from '../core/stream.ts';
import type { Loading, LoadingOrder, StreamListener } from '../session/ports.ts';
import type { Crc32c } from './frame.ts';
import { IncomingStream } from './incoming-stream.ts';
import type { IncomingOptions, PullConnector } from './incoming-stream.ts';
import { deviceSinks } from './device-sinks.ts';
import { ProgressReporter } from './progress.ts';
import { StreamCheck } from './stream-check.ts';
import type { StreamSink } from './stream-sink.ts';
import { TokenBucket } from './token-bucket.ts';
import { toFailure } from './transfer-failure.ts';
import { WorkloadSink } from './workload-sink.ts';
import { savingIdOf } from '../workload/freezer.ts';

export interface LoadingOptions extends IncomingOptions {
  readonly crc32c: Crc32c;
}

/** All streams of one generation at the target. The first that cannot go on ends them all. */
export class LoadingSession implements Loading {
  readonly #stopping = new AbortController();
  readonly #streams: readonly IncomingStream[];
  readonly #progress: ProgressReporter;
  readonly #listener: StreamListener;

  constructor(
    order: LoadingOrder,
    listener: StreamListener,
    connector: PullConnector,
    options: LoadingOptions,
  ) {
    this.#listener = listener;
    const bucket = new TokenBucket(order.pull.bandwidthLimit, options.clock);
    const read = (): StreamProgress[] => this.#streams.map((stream) => stream.progress);
    this.#progress = new ProgressReporter(options.clock, read, (streams) => listener.onProgress(streams));
    this.#streams = sinksOf(order, this.#stopping.signal).map(([id, sink]) => {
      const check = new StreamCheck(id, options.crc32c);
      const request = () => ({
        uid: order.uid,
        fence: order.fence(),
        ticket: order.pull.ticket,
        stream: id,
        generation: order.generation,
        next: 0,
      });
      const onChange = (atOnce: boolean): void => this.#progress.changed(atOnce);
      return new IncomingStream(request, { connector, check, sink, bucket }, options, onChange);
    });
    for (const stream of this.#streams) stream.run(this.#stopping.signal).catch((error) => this.#fail(error));
  }

  end(): void {
    this.#progress.stop();
    this.#stopping.abort();
  }

  #fail(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    this.end();
    this.#listener.onFailure(toFailure(error));
  }
}

/** In the order of streamsOfSet. */
function sinksOf(order: LoadingOrder, signal: AbortSignal): [StreamId, StreamSink][] {
  const ofDevices = order.devices.flatMap((device, deviceIndex): [StreamId, StreamSink][] => {
    const { stream, externals } = deviceSinks(device, signal);
    return [
      [{ kind: 'device', deviceIndex }, stream],
      [{ kind: 'externals', deviceIndex }, externals],
    ];
  });
  const ofWorkload = new WorkloadSink(order.workload, savingIdOf(order.uid, order.generation), signal);
  return [...ofDevices, [{ kind: 'workload', deviceIndex: 0 }, ofWorkload]];
}
