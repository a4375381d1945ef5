/** An agent of a source node that serves whatever a test wants, with a good certificate. */
import { loadTls, type TlsFiles } from '@transship/node-agent/contract';
import type { DeviceTransferHandlers } from '@transship/node-agent/internal/contract/generated/transship/agent/v1alpha1/DeviceTransfer';
import { MutualTlsCredentials } from '@transship/node-agent/internal/service/server-credentials';
import { startServer, type AgentServer } from '@transship/node-agent/internal/service/server';
import { StreamChecksum } from '@transship/node-agent/internal/transfer/checksum';
import type { Frame, PullItem } from '@transship/node-agent/internal/transfer/frame';
import { itemToWire, requestFromWire } from '@transship/node-agent/internal/transfer/messages';
import type { StreamId, StreamTotals } from '@transship/node-agent/core';
import { crc32c } from '@transship/native';

/** What the device's stream consists of, from its first byte on, whatever was asked for. */
export type Script = (id: StreamId) => Iterable<PullItem>;

const FRAME_BYTES = 16 * 1024;

/** Frames of segments of these sizes, as an honest source cuts them, with contents that differ from byte to byte. */
export function honestFrames(segmentSizes: readonly number[]): Frame[] {
  let position = 0;
  return segmentSizes.flatMap((segmentSize, segment) => {
    const frames: Frame[] = [];
    for (let offset = 0; offset < segmentSize; offset += FRAME_BYTES) {
      const data = Buffer.alloc(Math.min(FRAME_BYTES, segmentSize - offset));
      for (let at = 0; at < data.length; at += 1) data[at] = (position + at * 7 + segment) & 0xff;
      frames.push({ position, segment, segmentSize, offsetInSegment: offset, data, crc32c: crc32c(data) });
      position += data.length;
    }
    return frames;
  });
}

/** What the frames amount to, counted as the contract says. */
export function totalsOf(id: StreamId, frames: readonly Frame[]): StreamTotals {
  const checksum = new StreamChecksum(crc32c);
  let bytes = 0;
  let segments = 0;
  for (const { offsetInSegment, segmentSize, data } of frames) {
    if (offsetInSegment === 0) {
      checksum.beginSegment(segmentSize);
      segments += 1;
    }
    checksum.add(crc32c(data), data.length);
    bytes += data.length;
  }
  return { ...id, bytes, segments, crc32c: checksum.value };
}

const EMPTY: Script = (id) => [{ kind: 'end', totals: totalsOf(id, []) }];

export class HostileSource implements AsyncDisposable {
  readonly endpoint: string;
  /** Of the device's own streams; the others are empty and end at once. */
  script: Script = EMPTY;
  readonly #server: AgentServer;

  private constructor(server: AgentServer, endpoint: string) {
    this.#server = server;
    this.endpoint = endpoint;
  }

  /** Serves pulls with the certificate in `tls`. */
  static async start(tls: TlsFiles): Promise<HostileSource> {
    const handlers: DeviceTransferHandlers = {
      Pull: (call) => {
        call.on('error', () => undefined);
        call.on('data', (message) => {
          if (!message.open) return;
          const { stream } = requestFromWire(message.open);
          const script = stream.kind === 'device' ? source.script : EMPTY;
          for (const item of script(stream)) call.write(itemToWire(item));
        });
        call.on('end', () => call.end());
      },
    };
    const credentials = new MutualTlsCredentials(await loadTls(tls));
    const server = await startServer('127.0.0.1:0', credentials, { agent: {} as never, transfer: handlers });
    const source = new HostileSource(server, `127.0.0.1:${server.port}`);
    return source;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close(0);
  }
}
