import { describe, expect, test } from '@jest/globals';
import { DeviceSource } from '@transship/node-agent/internal/transfer/device-source';
import { OutgoingStream } from '@transship/node-agent/internal/transfer/outgoing-stream';
import { crc32c } from '../support/crc32c.ts';
import { FakeDevice } from '../support/fake-device.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';
import { segments } from '../support/passage.ts';

/** The stream of a device in pre-copy, and a puller that has taken nothing yet. */
function streaming(device: FakeDevice) {
  device.state = 'PreCopy';
  const clock = new ManualClock();
  const source = new DeviceSource(device, () => clock.now());
  const options = { windowBytes: 1024, frameBytes: 64, clock, crc32c };
  const events = { onChange: () => undefined, onError: () => undefined };
  const stream = new OutgoingStream({ kind: 'device', deviceIndex: 0 }, source, options, events);
  const sent = { bytes: 0 };
  const attachment = stream.attach(
    {
      send: (item) => {
        if (item.kind === 'frame') sent.bytes += item.frame.data.length;
        return Promise.resolve();
      },
      finish: () => undefined,
      dismiss: () => undefined,
    },
    0,
  );
  /** Lets the device be asked for its estimates again. */
  const later = (): Promise<void> => clock.advance(600);
  return { stream, attachment, sent, later };
}

const info = (initialBytes: number, reinit = false) => ({ initialBytes, dirtyBytes: 5, reinit });

describe('initial data of pre-copy', () => {
  test('V2-17: is pending until the target has accepted what was read when the device had none left', async () => {
    const device = FakeDevice.holding('a/0', segments(10));
    device.precopy = info(10);
    const { stream, attachment, sent, later } = streaming(device);
    expect(stream.progress.initialPending).toBe(true);
    await settle();
    expect({ sent: sent.bytes, pending: stream.progress.initialPending }).toEqual({
      sent: 10,
      pending: true,
    });
    attachment.acknowledge(10, 10);
    expect(stream.progress.initialPending).toBe(true);
    device.precopy = info(0);
    await later();
    expect(stream.progress.initialPending).toBe(false);
    stream.stop();
  });

  test('V2-17: written is not accepted', async () => {
    const device = FakeDevice.holding('a/0', segments(10));
    device.precopy = info(10);
    const { stream, attachment, later } = streaming(device);
    await settle();
    device.precopy = info(0);
    await later();
    attachment.acknowledge(10, 9);
    expect(stream.progress.initialPending).toBe(true);
    attachment.acknowledge(10, 10);
    expect(stream.progress.initialPending).toBe(false);
    stream.stop();
  });

  test.each([
    ['new initial bytes', info(7)],
    ['the word of the device that there is new one', info(0, true)],
  ])('V2-20: is pending again with %s', async (_, again) => {
    const device = FakeDevice.healthy('a/0');
    device.precopy = info(0);
    const { stream, later } = streaming(device);
    await settle();
    expect(stream.progress.initialPending).toBe(false);
    device.precopy = again;
    await later();
    expect(stream.progress.initialPending).toBe(true);
    device.precopy = info(0);
    await later();
    expect(stream.progress.initialPending).toBe(false);
    stream.stop();
  });

  test('does not exist for a device that has no such information, and its own estimate counts', async () => {
    const device = FakeDevice.healthy('a/0');
    const { stream } = streaming(device);
    expect(stream.progress.initialPending).toBe(true);
    await settle();
    expect(stream.progress.initialPending).toBe(false);
    stream.stop();
  });

  test('V2-18: what the device gives only once it is stopped is told beside what waits', async () => {
    const device = FakeDevice.healthy('a/0');
    Object.assign(device, { precopy: info(0), stopCopySize: 4_096 });
    const { stream } = streaming(device);
    await settle();
    expect(stream.progress).toMatchObject({ stopCopyBytes: 4_096 });
    stream.stop();
  });
});
