import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { ErrorCode } from '@transship/crds';
import type {
  AgentClient,
  CommandReply,
  SessionSnapshot,
  TargetCommand,
} from '@transship/node-agent/contract';
import type { StreamId, StreamTotals } from '@transship/node-agent/core';
import type { Frame, PullItem } from '@transship/node-agent/internal/transfer/frame';
import { crc32c } from '@transship/native';
import { issueTestPki } from '../support/certificates.ts';
import { honestFrames, HostileSource, totalsOf } from '../support/hostile-source.ts';
import { startAgent, startEmulator, type RunningEmulator } from '../support/processes.ts';

/**
 * A real agent whose device believes anything, and a source that holds a good certificate and lies. Nobody but the agent
 * stands between such a stream and a device that leaves Resuming.
 */
const PATIENCE_MS = 60_000;
const WINDOW = 1024 * 1024;
const DEVICE: StreamId = { kind: 'device', deviceIndex: 0 };
const SEGMENTS = [40_000, 65_536, 10];

let directory: string;
let stack: AsyncDisposableStack;
let emulator: RunningEmulator;
let client: AgentClient;
let source: HostileSource;
let last: Attempt | null = null;

beforeAll(async () => {
  stack = new AsyncDisposableStack();
  directory = await mkdtemp(join(tmpdir(), 'ts-hostile-'));
  stack.defer(() => rm(directory, { recursive: true }));
  const pki = await issueTestPki(join(directory, 'pki'), ['gpu-a', 'gpu-b']);
  const args = ['--traffic', 'off', '--gullible', '--window', String(WINDOW)];
  emulator = stack.use(await startEmulator({ directory, node: 'gpu-b', devices: 1, memory: '1M', args }));
  const agent = stack.use(await startAgent({ directory, emulator, tls: pki.node('gpu-b') }));
  client = await agent.client(pki.operator);
  stack.defer(() => client.close());
  source = stack.use(await HostileSource.start(pki.node('gpu-a')));
});

afterEach(async () => {
  await last?.send({ kind: 'discard', decision: 'Abort' });
});

afterAll(async () => {
  await stack.disposeAsync();
});

const hasArrived = ({ phase, streams }: SessionSnapshot): boolean =>
  phase === 'Loading' && streams.every(({ ended }) => ended);

const hasFailed = ({ error }: SessionSnapshot): boolean => error !== null;

/** One migration of which this test is the operator, on the target alone. */
class Attempt {
  readonly uid = crypto.randomUUID();
  #sequence = 0;

  send(command: TargetCommand, waitMs = PATIENCE_MS): Promise<CommandReply> {
    this.#sequence += 1;
    const header = { uid: this.uid, fence: 1, sequence: this.#sequence, operator: 'operator-of-the-test' };
    const signal = AbortSignal.timeout(2 * PATIENCE_MS);
    return client.command({ header, role: 'target', command }, waitMs, signal);
  }

  async prepare(): Promise<void> {
    const pull = {
      endpoint: source.endpoint,
      node: 'gpu-a',
      ticket: 'whatever-the-source-wants',
      bandwidthLimit: 0,
    };
    const command = { kind: 'prepare', generation: 1, devices: ['gpu-b/0'], pull } as const;
    expect((await this.send(command, 0)).refusal).toBeNull();
  }

  /** The next snapshot that is as wanted. */
  async until(satisfies: (session: SessionSnapshot) => boolean): Promise<SessionSnapshot> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    for await (const session of client.observe(this.uid, 'target', signal)) {
      if (satisfies(session)) return session;
    }
    throw new Error('the agent ended the observation');
  }

  /** With what an honest source would have promised, unless told otherwise. */
  verify(promised: StreamTotals, generation = 1): Promise<CommandReply> {
    const nothing = (
      [
        { kind: 'externals', deviceIndex: 0 },
        { kind: 'workload', deviceIndex: 0 },
      ] as const
    ).map((id) => totalsOf(id, []));
    return this.send({ kind: 'verify', generation, expected: [promised, ...nothing] });
  }
}

/** A target that waits for what the source's script gives it. */
async function begin(): Promise<Attempt> {
  const attempt = new Attempt();
  last = attempt;
  await attempt.prepare();
  return attempt;
}

const device = async () => (await emulator.control.devices())[0];

/** The device still waits for its state, and is reset when the target is given up. */
async function expectHeld(attempt: Attempt): Promise<void> {
  expect(await device()).toMatchObject({ state: 'Resuming' });
  const { resets = 0 } = (await device()) ?? {};
  const { session } = await attempt.send({ kind: 'discard', decision: 'Undecided' });
  expect(session).toMatchObject({ phase: 'Discarded', devices: [{ state: 'Running', quarantined: false }] });
  expect(await device()).toMatchObject({ state: 'Running', armed: false, resets: resets + 1 });
  expect(await emulator.control.violations()).toEqual([]);
}

const frame = (one: Frame): PullItem => ({ kind: 'frame', frame: one });
const end = (totals: StreamTotals): PullItem => ({ kind: 'end', totals });
const honest = honestFrames(SEGMENTS);
const truth = totalsOf(DEVICE, honest);

/** The honest stream with the frame at `index` replaced. */
function altered(index: number, change: (one: Frame) => readonly Frame[]): Iterable<PullItem> {
  const frames = honest.flatMap((one, at) => (at === index ? change(one) : [one]));
  return [...frames.map(frame), end(truth)];
}

function flipped(one: Frame): Frame {
  const data = Buffer.from(one.data);
  data[5] = (data[5] ?? 0) ^ 0x10;
  return { ...one, data };
}

/** Frames of one segment that never ends. */
function* endless(segmentSize: number): Generator<PullItem> {
  const data = Buffer.alloc(1024);
  for (let position = 0; position < 256 * 1024; position += data.length) {
    const part = { position, segment: 0, segmentSize, offsetInSegment: position, data, crc32c: crc32c(data) };
    yield frame(part);
  }
}

/** A segment of one frame of so many bytes. */
const inOneFrame = (size: number): Iterable<PullItem> => {
  const data = Buffer.alloc(size);
  const part = { ...{ position: 0, segment: 0, segmentSize: size, offsetInSegment: 0 }, data };
  return [frame({ ...part, crc32c: crc32c(data) })];
};

test('an honest stream of the same kind is loaded', async () => {
  source.script = () => [...honest.map(frame), end(truth)];
  const attempt = await begin();
  expect(await attempt.until(hasArrived)).toMatchObject({ error: null });
  const { refusal, session } = await attempt.verify(truth);
  expect({ refusal, phase: session.phase }).toEqual({ refusal: null, phase: 'Verified' });
  expect(await device()).toMatchObject({ state: 'Stop' });
});

test.each<[string, ErrorCode, () => Iterable<PullItem>]>([
  ['lacks its last segment', 'StreamTruncated', () => [...honest.slice(0, -1).map(frame), end(truth)]],
  [
    'ends in the middle of a segment',
    'StreamTruncated',
    () => [...honest.slice(0, 2).map(frame), end(truth)],
  ],
  ['lacks a frame', 'StreamOutOfOrder', () => altered(2, () => [])],
  [
    'has a byte that is not what its checksum says',
    'StreamCorrupt',
    () => altered(3, (one) => [flipped(one)]),
  ],
  [
    'has a byte that only the checksum of the whole knows of',
    'StreamCorrupt',
    () => altered(3, (one) => [{ ...flipped(one), crc32c: crc32c(flipped(one).data) }]),
  ],
  [
    'has two frames in the wrong order',
    'StreamOutOfOrder',
    () => altered(1, (one) => [honest[2] ?? one, one]),
  ],
  ['has a frame twice', 'StreamOutOfOrder', () => altered(2, (one) => [one, one])],
  ['begins somewhere else', 'StreamOutOfOrder', () => altered(0, (one) => [{ ...one, position: 4_096 }])],
  ['skips a segment', 'StreamOutOfOrder', () => altered(3, (one) => [{ ...one, segment: 2 }])],
  [
    'changes the size of a segment on the way',
    'StreamCorrupt',
    () => altered(1, (one) => [{ ...one, segmentSize: one.segmentSize + 1 }]),
  ],
  [
    'has a frame that is larger than its segment',
    'StreamCorrupt',
    () => altered(0, (one) => [{ ...one, segmentSize: 9 }]),
  ],
  [
    'has an empty frame',
    'StreamCorrupt',
    () => altered(1, (one) => [{ ...one, data: Buffer.alloc(0), crc32c: 0 }]),
  ],
  [
    'has a segment that no device can take',
    'StreamTooLarge',
    () => altered(0, (one) => [{ ...one, segmentSize: WINDOW + 1 }]),
  ],
  ['has a segment that never ends', 'StreamTooLarge', () => endless(Number.MAX_SAFE_INTEGER)],
  [
    'has a segment beyond all counting',
    'StreamCorrupt',
    () => altered(0, (one) => [{ ...one, segmentSize: 2 ** 60 }]),
  ],
  ['has a frame that is a little too large', 'StreamTooLarge', () => inOneFrame(1024 * 1024 + 1)],
  ['has a frame that is far too large', 'StreamTooLarge', () => inOneFrame(3 * 1024 * 1024)],
  [
    'ends with the totals of another stream',
    'StreamOutOfOrder',
    () => [...honest.map(frame), end({ ...truth, deviceIndex: 1 })],
  ],
  [
    'ends with fewer bytes than it had',
    'StreamOutOfOrder',
    () => [...honest.map(frame), end({ ...truth, bytes: 1 })],
  ],
  [
    'ends with more segments than it had',
    'StreamTruncated',
    () => [...honest.map(frame), end({ ...truth, segments: 9 })],
  ],
  [
    'goes on behind its end',
    'StreamOutOfOrder',
    () => [...honest.map(frame), end(truth), ...honest.slice(0, 1).map(frame)],
  ],
])('a stream that %s is refused as %s', async (_what, code, script) => {
  source.script = script;
  const attempt = await begin();
  const { error, phase } = await attempt.until(hasFailed);
  expect({ code: error?.code, phase }).toEqual({ code, phase: 'Loading' });
  // Whoever promised all this: the device does not leave Resuming on it.
  const { refusal, session } = await attempt.verify(truth);
  expect({ code: refusal?.code, phase: session.phase }).toEqual({ code: 'IllegalPhase', phase: 'Loading' });
  await expectHeld(attempt);
});

test.each<[string, ErrorCode, Partial<StreamTotals>, number]>([
  ['of other bytes', 'StreamCorrupt', { bytes: truth.bytes + 1 }, 1],
  ['of other segments', 'StreamCorrupt', { segments: truth.segments - 1 }, 1],
  ['of another checksum', 'StreamCorrupt', { crc32c: (truth.crc32c ^ 1) >>> 0 }, 1],
  ['of another generation', 'IllegalPhase', {}, 2],
])(
  'a stream that is whole is not what a promise %s is about: %s',
  async (_what, code, change, generation) => {
    source.script = () => [...honest.map(frame), end(truth)];
    const attempt = new Attempt();
    await attempt.prepare();
    expect(await attempt.until(hasArrived)).toMatchObject({ error: null });
    const { refusal, session } = await attempt.verify({ ...truth, ...change }, generation);
    expect({ code: refusal?.code, phase: session.phase }).toEqual({ code, phase: 'Loading' });
    await expectHeld(attempt);
  },
);
