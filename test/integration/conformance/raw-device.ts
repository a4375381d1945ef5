import { expect } from '@jest/globals';
import { NativeError } from '@transship/native';
import type { NativeDevice } from '@transship/native';

/** Region indexes of the emulator; the vendor's own region is there to be mistaken for the migration region. */
export const REGION = { bar0: 0, msixTable: 1, config: 7, vendor: 9, migration: 10 } as const;

/** struct vfio_device_migration_info: offsets in bytes. */
export const FIELD = { state: 0, reserved: 4, pending: 8, offset: 16, size: 24 } as const;
/** The data section of the emulator begins at the second page. */
export const DATA = 4096;

/** Name of the errno that an access was refused with, or the code of whatever else went wrong. */
export type Refused = string;

/** The answer of an access that must be granted. */
export function answered<T>(answer: T | Refused): T {
  expect(answer).not.toEqual(expect.any(String));
  return answer as T;
}

/**
 * A device by its registers, as the specification names them: for tests of the device and of its monitor. Nothing is
 * checked here, so a test can do what no user should. Refusals are answers, not exceptions.
 */
export class RawDevice {
  readonly native: NativeDevice;

  constructor(native: NativeDevice) {
    this.native = native;
  }

  bytes(region: number, offset: number, length: number): Promise<Buffer | Refused> {
    return ask(this.native.regionRead(region, offset, length));
  }

  /** `done`, or why not. */
  async store(region: number, offset: number, data: Buffer): Promise<string> {
    return (await ask(this.native.regionWrite(region, offset, data))) ?? 'done';
  }

  async get(offset: number, width: number): Promise<number | Refused> {
    const data = await this.bytes(REGION.migration, offset, width);
    return typeof data === 'string' ? data : numberOf(data);
  }

  put(offset: number, value: number, width: number): Promise<string> {
    const data = Buffer.alloc(width);
    if (width === 8) data.writeBigUInt64LE(BigInt(value));
    else data.writeUIntLE(value, 0, width);
    return this.store(REGION.migration, offset, data);
  }

  /** The four bits of device_state that mean something. */
  async state(): Promise<number> {
    return answered(await this.get(FIELD.state, 4)) & 0xf;
  }

  /** Writes the four bits and keeps the others; after a refusal looks at the state, as every user has to. */
  async set(nibble: number): Promise<string> {
    const value = answered(await this.get(FIELD.state, 4));
    const done = await this.put(FIELD.state, ((value & ~0xf) | nibble) >>> 0, 4);
    if (done !== 'done') await this.state();
    return done;
  }

  /** VFIO_DEVICE_RESET, and the look at the state that belongs to it; `done`, or why not. */
  async reset(): Promise<string> {
    return (await ask(this.native.reset())) ?? 'done';
  }

  /** One write after the other, until one is refused. */
  async walk(...nibbles: readonly number[]): Promise<string> {
    for (const nibble of nibbles) {
      const done = await this.set(nibble);
      if (done !== 'done') return done;
    }
    return 'done';
  }

  async pending(): Promise<number> {
    return answered(await this.get(FIELD.pending, 8));
  }

  async place(): Promise<number> {
    return answered(await this.get(FIELD.offset, 8));
  }

  async size(): Promise<number> {
    return answered(await this.get(FIELD.size, 8));
  }

  /** The segment that is there now, in pieces of `piece` bytes. pending_bytes must have been read. */
  async segment(piece = 1 << 20): Promise<Buffer> {
    const offset = await this.place();
    const size = await this.size();
    const pieces: Buffer[] = [];
    for (let at = 0; at < size; at += piece) {
      pieces.push(answered(await this.bytes(REGION.migration, offset + at, Math.min(piece, size - at))));
    }
    return Buffer.concat(pieces);
  }

  /** Collects until there is nothing, at most `limit` segments. */
  async segments(limit = 1000): Promise<Buffer[]> {
    const all: Buffer[] = [];
    while (all.length < limit && (await this.pending()) !== 0) all.push(await this.segment());
    return all;
  }

  /** Gives segments to a device in RESUMING; `done`, or why the first was refused. */
  async load(segments: readonly Buffer[]): Promise<string> {
    for (const segment of segments) {
      const offset = await this.get(FIELD.offset, 8);
      if (typeof offset === 'string') return offset;
      const stored = await this.store(REGION.migration, offset, segment);
      if (stored !== 'done') return stored;
      const taken = await this.put(FIELD.size, segment.length, 8);
      if (taken !== 'done') return taken;
    }
    return 'done';
  }
}

async function ask<T>(access: Promise<T>): Promise<T | Refused> {
  try {
    return await access;
  } catch (error) {
    if (error instanceof NativeError) return error.errno ?? error.code;
    throw error;
  }
}

function numberOf(data: Buffer): number {
  return data.length === 8 ? Number(data.readBigUInt64LE()) : data.readUIntLE(0, data.length);
}
