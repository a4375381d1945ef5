import { describe, expect, test } from '@jest/globals';
import type { Frame, PullItem } from '@transship/node-agent/internal/transfer/frame';
import { FakeDevice } from '../support/fake-device.ts';
import { FakeFreezer } from '../support/fake-freezer.ts';
import { settle } from '../support/manual-clock.ts';
import { Passage, segments, streamOf, until } from '../support/passage.ts';

const SIZES = [1, 4, 5, 16, 17, 33];

function stopped(device: FakeDevice): FakeDevice {
  device.state = 'StopCopy';
  return device;
}

function resuming(device = FakeDevice.healthy('b/0')): FakeDevice {
  device.state = 'Resuming';
  return device;
}

const isDeviceFrame = (item: PullItem): item is Extract<PullItem, { kind: 'frame' }> => item.kind === 'frame';

describe('streams of a set', () => {
  test('arrive in the segments of the source, with equal totals on both sides', async () => {
    const from = stopped(FakeDevice.holding('a/0', segments(...SIZES)));
    from.externals = Buffer.from('externals of the source');
    const to = resuming();
    const passage = new Passage(from, to);
    await passage.complete();

    expect(passage.failure).toBeNull();
    expect(to.accepted).toEqual(from.outgoing);
    expect(to.externals).toEqual(Buffer.from('externals of the source'));
    expect(passage.targetFreezer.loaded).toEqual(Buffer.from('state of the workload'));
    expect(passage.target.progress.map(({ totals }) => totals)).toEqual(
      passage.source.progress.map(({ totals }) => totals),
    );
    expect(streamOf(passage.source, 'device/0')).toMatchObject({
      ended: true,
      totals: { bytes: 76, segments: 6 },
    });
  });

  test('resume at the exact byte wherever the connection is cut', async () => {
    const frames = SIZES.reduce((sum, size) => sum + Math.ceil(size / 4), 0);
    // One more than the frames: the message with the totals is lost as well.
    for (let cut = 1; cut <= frames + 1; cut += 1) {
      const from = stopped(FakeDevice.holding('a/0', segments(...SIZES)));
      const to = resuming();
      const passage = new Passage(from, to, {
        cutBefore: (count, { stream }) => stream.kind === 'device' && count === cut,
      });
      await passage.complete();
      expect({ cut, failure: passage.failure, accepted: to.accepted }).toEqual({
        cut,
        failure: null,
        accepted: from.outgoing,
      });
      const pulls = passage.pulls.requests.filter(({ stream }) => stream.kind === 'device');
      expect(pulls).toHaveLength(2);
    }
  });

  test('survive a connection that breaks at every second message', async () => {
    const from = stopped(FakeDevice.holding('a/0', segments(...SIZES)));
    const to = resuming();
    const passage = new Passage(from, to, { cutBefore: (count) => count % 2 === 0 });
    await passage.complete();
    expect(passage.failure).toBeNull();
    expect(to.accepted).toEqual(from.outgoing);
  });

  test('an empty stream ends with totals of zero', async () => {
    const passage = new Passage(stopped(FakeDevice.holding('a/0', [])), resuming());
    await passage.complete();
    expect(passage.failure).toBeNull();
    expect(streamOf(passage.target, 'device/0')).toMatchObject({
      ended: true,
      totals: { bytes: 0, segments: 0 },
    });
  });
});

describe('what is wrong on the wire', () => {
  const third = (count: number): boolean => count === 3;
  const change = (item: Extract<PullItem, { kind: 'frame' }>, fields: Partial<Frame>): PullItem => ({
    kind: 'frame',
    frame: { ...item.frame, ...fields },
  });

  test.each<[string, string, (item: PullItem, count: number, held: PullItem[]) => readonly PullItem[]]>([
    ['a frame twice', 'StreamOutOfOrder', (item, count) => (third(count) ? [item, item] : [item])],
    [
      'two frames in the other order',
      'StreamOutOfOrder',
      (item, count, held) => {
        if (count === 3) held.push(item);
        return count === 3 ? [] : [item, ...held.splice(0)];
      },
    ],
    ['a frame that is missing', 'StreamOutOfOrder', (item, count) => (third(count) ? [] : [item])],
    [
      'a flipped bit',
      'StreamCorrupt',
      (item, count) => {
        if (!third(count) || !isDeviceFrame(item)) return [item];
        const data = Buffer.from(item.frame.data);
        data[0] = (data[0] ?? 0) ^ 1;
        return [change(item, { data })];
      },
    ],
    [
      'a shortened frame',
      'StreamCorrupt',
      (item, count) =>
        third(count) && isDeviceFrame(item) ? [change(item, { data: item.frame.data.subarray(1) })] : [item],
    ],
    [
      'an empty frame',
      'StreamCorrupt',
      (item, count) =>
        third(count) && isDeviceFrame(item) ? [change(item, { data: Buffer.alloc(0), crc32c: 0 })] : [item],
    ],
    [
      'a segment of another size in its middle',
      'StreamCorrupt',
      (item, count) =>
        isDeviceFrame(item) && item.frame.offsetInSegment === 4 && count < 6
          ? [change(item, { segmentSize: item.frame.segmentSize + 1 })]
          : [item],
    ],
    [
      'a segment number that jumps',
      'StreamOutOfOrder',
      (item, count) =>
        third(count) && isDeviceFrame(item) ? [change(item, { segment: item.frame.segment + 1 })] : [item],
    ],
    [
      'a frame beyond its segment',
      'StreamCorrupt',
      (item) =>
        isDeviceFrame(item) && item.frame.segment === 1 ? [change(item, { segmentSize: 2 })] : [item],
    ],
    [
      'an end before the last frame',
      'StreamTruncated',
      (item) => {
        if (!isDeviceFrame(item)) return [item];
        const isLast = item.frame.segment === SIZES.length - 1 && item.frame.offsetInSegment === 32;
        return isLast ? [] : [item];
      },
    ],
    [
      'totals with another checksum',
      'StreamCorrupt',
      (item) =>
        isDeviceFrame(item)
          ? [item]
          : [{ kind: 'end', totals: { ...item.totals, crc32c: item.totals.crc32c ^ 1 } }],
    ],
    [
      'totals of fewer bytes than came',
      'StreamOutOfOrder',
      (item) =>
        isDeviceFrame(item)
          ? [item]
          : [{ kind: 'end', totals: { ...item.totals, bytes: item.totals.bytes - 1 } }],
    ],
    [
      'data behind the end',
      'StreamOutOfOrder',
      (item, _count, held) => {
        if (isDeviceFrame(item)) {
          held.push(item);
          return [item];
        }
        return [item, ...held.slice(0, 1)];
      },
    ],
  ])('%s is %s and the device stays in Resuming', async (_name, code, tamper) => {
    const from = stopped(FakeDevice.holding('a/0', segments(...SIZES)));
    const to = resuming();
    const held: PullItem[] = [];
    let count = 0;
    const passage = new Passage(from, to, {
      tamper: (item) => {
        // Only the device's stream: its frames and its totals.
        const isDevice =
          item.kind === 'end'
            ? item.totals.kind === 'device'
            : from.outgoing.some((segment) => segment.includes(item.frame.data));
        if (!isDevice) return [item];
        count += 1;
        return tamper(item, count, held);
      },
    });
    await passage.complete();

    expect(passage.target.failure?.code).toBe(code);
    expect(to.state).toBe('Resuming');
    expect(to.operations).toEqual([]);
    // What it was given until then is a true beginning of the stream.
    expect(to.accepted).toEqual(from.outgoing.slice(0, to.accepted.length));
  });
});

describe('the source', () => {
  test('reads no further ahead of the target than its window', async () => {
    const from = stopped(FakeDevice.holding('a/0', segments(64, 64, 64)));
    const to = resuming();
    const letGo = to.holdWrites();
    const passage = new Passage(from, to);
    const saving = passage.save();
    const loading = passage.load();
    saving.drain();
    await until(() => (from.bytesRead >= 16 ? true : null));
    await settle();
    expect(from.bytesRead).toBe(16);
    letGo();
    await until(() => (passage.isComplete ? true : null));
    expect(to.accepted).toEqual(from.outgoing);
    loading.end();
    saving.end();
  });

  test('a newer pull ends the older and goes on where it says', async () => {
    const from = stopped(FakeDevice.holding('a/0', segments(40)));
    const passage = new Passage(from, resuming());
    const saving = passage.save();
    const request = {
      uid: 'uid-1',
      fence: 1,
      ticket: passage.session.ticket,
      stream: { kind: 'device', deviceIndex: 0 },
      generation: 1,
    } as const;
    const older = passage.pulls.open({ ...request, next: 0 }, new AbortController().signal);
    const first = older[Symbol.asyncIterator]();
    await first.next();
    const newer = passage.pulls.open({ ...request, next: 5 }, new AbortController().signal);
    const { value } = await newer[Symbol.asyncIterator]().next();
    // The frame of bytes 4 to 7, cut so that it begins at the fifth.
    expect(value).toMatchObject({
      frame: { position: 5, offsetInSegment: 5, data: from.outgoing[0]?.subarray(5, 8) },
    });
    await expect(first.next().then(() => first.next())).rejects.toThrow('come again');
    saving.end();
  });

  test('does not end a stream before the drain, whatever the device says', async () => {
    const from = stopped(FakeDevice.holding('a/0', segments(8)));
    const to = resuming();
    const passage = new Passage(from, to);
    const saving = passage.save();
    const loading = passage.load();
    await until(() => (to.accepted.length === 1 ? true : null));
    await settle();
    expect(streamOf(passage.target, 'device/0')?.ended ?? false).toBe(false);
    expect(passage.sourceFreezer.calls).toEqual([]);
    saving.drain();
    await until(() => (passage.isComplete ? true : null));
    expect(passage.sourceFreezer.calls).toEqual(['save final']);
    loading.end();
    saving.end();
  });

  test('picks up what a running device has later, and ends only when it is stopped', async () => {
    const from = FakeDevice.holding('a/0', segments(8));
    from.state = 'PreCopy';
    const to = resuming();
    const passage = new Passage(from, to);
    const saving = passage.save();
    const loading = passage.load();
    await until(() => (to.accepted.length === 1 ? true : null));
    from.outgoing.push(Buffer.from('later'));
    await until(() => (to.accepted.length === 2 ? true : null));
    from.state = 'StopCopy';
    expect(passage.isComplete).toBe(false);
    saving.drain();
    await until(() => (passage.isComplete ? true : null));
    loading.end();
    saving.end();
  });

  test('a device that cannot be read fails the generation with its code', async () => {
    const from = stopped(FakeDevice.failingRead('a/0', segments(8, 8), 1));
    const passage = new Passage(from, resuming());
    await passage.complete();
    expect(passage.source.failure).toMatchObject({ code: 'DeviceError', device: 'a/0' });
  });

  test('an impossible acknowledgement ends the pull', async () => {
    const passage = new Passage(stopped(FakeDevice.holding('a/0', segments(40))), resuming());
    const saving = passage.save();
    const stream = { kind: 'device', deviceIndex: 0 } as const;
    const { ticket } = passage.session;
    const request = { uid: 'uid-1', fence: 1, ticket, stream, generation: 1, next: 0 };
    const channel = passage.pulls.open(request, new AbortController().signal);
    const items = channel[Symbol.asyncIterator]();
    await items.next();
    channel.acknowledge(400, 0);
    await expect(items.next()).rejects.toMatchObject({ failure: { code: 'StreamOutOfOrder' } });
    saving.end();
  });
});

describe('the target', () => {
  test('a device that cannot be written fails the generation and is given nothing more', async () => {
    const from = stopped(FakeDevice.holding('a/0', segments(8, 8, 8)));
    const to = resuming(FakeDevice.failingWrite('b/0', 1));
    const passage = new Passage(from, to);
    await passage.complete();
    expect(passage.target.failure).toMatchObject({ code: 'LoadRejected', device: 'b/0' });
    expect(to.accepted).toEqual(from.outgoing.slice(0, 1));
    expect(to.state).toBe('Resuming');
  });

  test('a workload that refuses its state fails the generation', async () => {
    const from = stopped(FakeDevice.holding('a/0', segments(8)));
    const passage = new Passage(from, resuming(), {}, FakeFreezer.failingTo('load'));
    await passage.complete();
    expect(passage.target.failure).toMatchObject({ code: 'WorkloadFailed' });
    expect(streamOf(passage.source, 'workload/0')?.ended ?? false).toBe(false);
  });

  test('writes nothing after its end', async () => {
    const from = stopped(FakeDevice.holding('a/0', segments(8, 8, 8)));
    const to = resuming();
    const letGo = to.holdWrites();
    const passage = new Passage(from, to);
    const saving = passage.save();
    const loading = passage.load();
    saving.drain();
    await until(() => (from.bytesRead > 0 ? true : null));
    loading.end();
    letGo();
    await settle();
    expect(to.accepted).toEqual([]);
    saving.end();
  });
});
