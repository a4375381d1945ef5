import type { DmaLoggingDevice, IovaRange } from '../device/port.ts';
import type { Log } from '../session/ports.ts';
import type { DirtyMemory, DmaMemory } from './freezer.ts';

/** A device of the set that is saved. */
export interface LoggedDevice extends DmaLoggingDevice {
  readonly facts: { readonly dmaLogging: boolean } | null;
}

/** Largest bitmap that is asked for at once, bytes: 32 GiB of memory in pages of 4 KiB. */
const MAX_BITMAP_BYTES = 1024 * 1024;

interface Entry {
  readonly id: string;
  /** null: there is no log of this device. */
  readonly log: DmaLoggingDevice | null;
  /** As the device logs it, bytes. */
  readonly pageSize: number;
  /** Why there is none; empty when there is one. */
  readonly missing: string;
}

/**
 * The DMA logs of a set during one saving: started on every device that has one, read after all devices have stopped,
 * since a device in a P2P state may still write memory (V2-34), and stopped once (V2-31). A device without a log, or
 * whose log fails at any time, may have written everything (V2-33).
 */
export class DirtyLog {
  readonly #entries: readonly Entry[];
  readonly #memory: DmaMemory;
  readonly #log: Log;
  #stopping: Promise<void> | null = null;

  private constructor(entries: readonly Entry[], memory: DmaMemory, log: Log) {
    this.#entries = entries;
    this.#memory = memory;
    this.#log = log;
  }

  /** Never rejects: a device whose log cannot be started is one without a log. */
  static async start(devices: readonly LoggedDevice[], memory: DmaMemory, log: Log): Promise<DirtyLog> {
    const entries = await Promise.all(devices.map((device) => startOne(device, memory)));
    for (const { id, missing } of entries) {
      if (missing !== '') log.info({ device: id, reason: missing }, 'all memory of a device counts as dirty');
    }
    return new DirtyLog(entries, memory, log);
  }

  /** What every device has written since start(). Devices are asked at the same time, each for one part at a time. */
  report(): AsyncGenerator<DirtyMemory, void> {
    return interleave(this.#entries.map((entry) => this.#reportOne(entry)));
  }

  /** May be called again. Never rejects: a device that is gone has taken its log with it. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async *#reportOne({ id, log, pageSize, missing }: Entry): AsyncGenerator<DirtyMemory, void> {
    if (log === null) {
      yield { kind: 'unknown', device: id, reason: missing };
      return;
    }
    try {
      for (const part of parts(this.#memory.ranges, pageSize)) {
        const bitmap = bitsOf(await log.reportDmaLogging(part), part, pageSize);
        yield { kind: 'pages', device: id, ...part, pageSize, bitmap };
      }
    } catch (error) {
      this.#log.warn(
        { device: id, error: messageOf(error) },
        'a DMA log cannot be read: all memory is dirty',
      );
      yield { kind: 'unknown', device: id, reason: `the DMA log cannot be read: ${messageOf(error)}` };
    }
  }

  async #stopAll(): Promise<void> {
    await Promise.all(
      this.#entries.map(async ({ id, log }) => {
        try {
          await log?.stopDmaLogging();
        } catch (error) {
          this.#log.warn({ device: id, error: messageOf(error) }, 'a DMA log could not be stopped');
        }
      }),
    );
  }
}

async function startOne(device: LoggedDevice, memory: DmaMemory): Promise<Entry> {
  const { id, facts } = device;
  if (facts?.dmaLogging !== true) {
    return { id, log: null, pageSize: 0, missing: 'the device keeps no log of its DMA' };
  }
  try {
    const pageSize = await device.startDmaLogging(memory.ranges, memory.pageSize);
    return { id, log: device, pageSize, missing: '' };
  } catch (error) {
    const missing = `the DMA log could not be started: ${messageOf(error)}`;
    return { id, log: null, pageSize: 0, missing };
  }
}

/** The ranges, in parts whose bitmaps are no larger than MAX_BITMAP_BYTES. */
function* parts(ranges: readonly IovaRange[], pageSize: number): Generator<IovaRange, void> {
  const most = BigInt(MAX_BITMAP_BYTES * 8) * BigInt(pageSize);
  for (const { iova, length } of ranges) {
    for (let offset = 0n; offset < length; offset += most) {
      const rest = length - offset;
      yield { iova: iova + offset, length: rest < most ? rest : most };
    }
  }
}

/** @throws RangeError when bits are missing. */
function bitsOf(bitmap: Buffer, { length }: IovaRange, pageSize: number): Buffer {
  const pages = (length + BigInt(pageSize) - 1n) / BigInt(pageSize);
  const bytes = Number((pages + 7n) / 8n);
  if (bitmap.length < bytes) throw new RangeError(`${bitmap.length} bytes of bitmap for ${pages} pages`);
  return bitmap.subarray(0, bytes);
}

/** All items of all parts; the next item of each part is already asked for while others are used. */
async function* interleave<T>(all: readonly AsyncGenerator<T, void>[]): AsyncGenerator<T, void> {
  let open = all.map((part) => ({ part, next: part.next() }));
  while (open.length > 0) {
    const still: typeof open = [];
    for (const { part, next } of open) {
      const { done, value } = await next;
      if (done === true) continue;
      still.push({ part, next: part.next() });
      yield value;
    }
    open = still;
  }
}

const messageOf = (error: unknown): string => (error as { message?: string }).message ?? String(error);
