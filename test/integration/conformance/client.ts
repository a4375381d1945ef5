import { expect } from '@jest/globals';
import type { NativeDevice } from '@transship/native';
import { granted } from './outcome.ts';

type DeviceState = Awaited<ReturnType<NativeDevice['state']>>;

/** Brings a device over one arc after the other; each must be granted. */
export async function sail(device: NativeDevice, ...states: readonly DeviceState[]): Promise<void> {
  for (const state of states) await granted(device.arc(state));
}

/** The rest of the segment that is open, in pieces. */
export async function readRest(device: NativeDevice, maxLength = 1 << 20): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let last = false; !last;) {
    const piece = await granted(device.readSegment(maxLength));
    pieces.push(piece.data);
    last = piece.last;
  }
  return Buffer.concat(pieces);
}

/** Collects segments until the device has none now or none any more, at most `limit`. */
export async function collect(
  device: NativeDevice,
  { maxLength = 1 << 20, limit = 1000 }: { readonly maxLength?: number; readonly limit?: number } = {},
): Promise<{ readonly segments: Buffer[]; readonly ended: boolean }> {
  const segments: Buffer[] = [];
  while (segments.length < limit) {
    const next = await granted(device.nextSegment());
    if (next.size === 0) return { segments, ended: 'ended' in next && next.ended };
    const segment = await readRest(device, maxLength);
    expect(segment.length).toBe(next.size);
    segments.push(segment);
  }
  return { segments, ended: false };
}

/** Gives segments to a device in Resuming, each in pieces of `maxLength` bytes. */
export async function give(
  device: NativeDevice,
  segments: readonly Buffer[],
  maxLength = 1 << 20,
): Promise<void> {
  for (const segment of segments) {
    await granted(device.beginSegment(segment.length));
    for (let at = 0; at < segment.length; at += maxLength) {
      await granted(device.writeSegment(segment.subarray(at, at + maxLength)));
    }
    await granted(device.commitSegment());
  }
}

/** Loads a stream into a fresh device, which must find it complete and intact. */
export async function expectAccepted(device: NativeDevice, segments: readonly Buffer[]): Promise<void> {
  // A v2 device with P2P states has no arc that stops it at once.
  if (device.info.protocol === 'v2') await sail(device, 'RunningP2P');
  await sail(device, 'Stop', 'Resuming');
  await give(device, segments);
  await sail(device, 'Stop');
}
