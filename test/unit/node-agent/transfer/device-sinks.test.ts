import { describe, expect, test } from '@jest/globals';
import { deviceSinks } from '@transship/node-agent/internal/transfer/device-sinks';
import { FakeDevice } from '../support/fake-device.ts';
import { settle } from '../support/manual-clock.ts';

const STATE = Buffer.from('state');
const EXTERNALS = Buffer.from('bus master on');

async function load(sink: ReturnType<typeof deviceSinks>['stream'], data: Buffer): Promise<void> {
  await sink.begin(data.length);
  await sink.write(data);
  await sink.commit();
}

describe('a device that is loaded', () => {
  test('V2-36: gets its externals only behind the end of its own stream', async () => {
    const device = FakeDevice.healthy('b/0');
    const { stream, externals } = deviceSinks(device, new AbortController().signal);
    await load(externals, EXTERNALS);
    let isApplied = false;
    const applied = externals.finish().then(() => {
      isApplied = true;
    });
    await load(stream, STATE);
    await settle();
    expect({ isApplied, externals: device.externals.toString() }).toEqual({
      isApplied: false,
      externals: 'externals',
    });
    await stream.finish();
    await applied;
    expect(device.externals).toEqual(EXTERNALS);
  });

  test('whose load is ended gets none, and nobody waits for it any more', async () => {
    const device = FakeDevice.healthy('b/0');
    const ending = new AbortController();
    const { externals } = deviceSinks(device, ending.signal);
    await load(externals, EXTERNALS);
    const applied = externals.finish();
    ending.abort();
    await expect(applied).rejects.toThrow('the load was ended');
    expect(device.externals.toString()).toBe('externals');
  });
});
