import { MAX_EXTERNALS_BYTES } from '../device/externals.ts';
import type { LoadingDevice } from '../device/port.ts';
import { BlobSink, deviceSink } from './stream-sink.ts';
import type { StreamSink } from './stream-sink.ts';

/** The sinks of one device. */
export interface DeviceSinks {
  readonly stream: StreamSink;
  /** Applied behind the end of `stream`: they give the device bus mastering, and it is whole only then (V2-36). */
  readonly externals: StreamSink;
}

/** `signal`: nothing is loaded any more. */
export function deviceSinks(device: LoadingDevice, signal: AbortSignal): DeviceSinks {
  const loaded = Promise.withResolvers<void>();
  // Also when nobody waits for it.
  loaded.promise.catch(() => undefined);
  signal.addEventListener('abort', () => loaded.reject(new Error('the load was ended')), { once: true });
  const stream = deviceSink(device);
  const apply = async (externals: Buffer): Promise<void> => {
    await loaded.promise;
    await device.writeExternals(externals);
  };
  return {
    stream: {
      ...stream,
      finish: async () => {
        await stream.finish();
        loaded.resolve();
      },
    },
    externals: new BlobSink(MAX_EXTERNALS_BYTES, apply, 'LoadRejected'),
  };
}
