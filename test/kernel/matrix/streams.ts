import type { RemoteDevice } from '../rig/remote-device.ts';

type DeviceState = Awaited<ReturnType<RemoteDevice['state']>>;

const PIECE = 1 << 20;
/** More than any device of the matrix has. */
const MOST_SEGMENTS = 1000;

/** One single arc after the other. */
export async function sail(device: RemoteDevice, ...states: readonly DeviceState[]): Promise<void> {
  for (const state of states) await device.arc(state);
}

/** Stops a running device by single arcs and begins its stream. */
export const stopAndSave = (device: RemoteDevice): Promise<void> =>
  sail(device, 'RunningP2P', 'Stop', 'StopCopy');

/** The rest of the segment that is open. */
async function readRest(device: RemoteDevice): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let last = false; !last;) {
    const piece = await device.readSegment(PIECE);
    pieces.push(piece.data);
    last = piece.last;
  }
  return Buffer.concat(pieces);
}

export interface Collected {
  readonly segments: Buffer[];
  /** True: no more will come. False: there is nothing now. */
  readonly ended: boolean;
}

/** Collects segments until there are none now, or none any more. */
export async function collect(device: RemoteDevice): Promise<Collected> {
  const segments: Buffer[] = [];
  while (segments.length < MOST_SEGMENTS) {
    const next = await device.nextSegment();
    if (next.size === 0) return { segments, ended: 'ended' in next && next.ended };
    segments.push(await readRest(device));
  }
  throw new Error(`the stream does not end after ${MOST_SEGMENTS} segments`);
}

/** Gives segments to a device in Resuming, each of the size it had. */
export async function give(device: RemoteDevice, segments: readonly Buffer[]): Promise<void> {
  for (const segment of segments) {
    await device.beginSegment(segment.length);
    await device.writeSegment(segment);
    await device.commitSegment();
  }
}

/** The stream without its end: the last segment is shorter, or missing where segments must keep their size. */
export function cutShort(segments: readonly Buffer[], protocol: 'v1' | 'v2'): Buffer[] {
  const last = segments.at(-1) ?? Buffer.alloc(0);
  const shorter = protocol === 'v2' ? [last.subarray(0, last.length - 10)] : [];
  return [...segments.slice(0, -1), ...shorter];
}

export const bytesOf = (segments: readonly Buffer[]): number =>
  segments.reduce((sum, { length }) => sum + length, 0);
