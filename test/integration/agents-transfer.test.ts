import { expect, test } from '@jest/globals';
import type { SessionSnapshot } from '@transship/node-agent/contract';
import { Harbour } from '../support/harbour.ts';
import { eventually } from '../support/managed-process.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const CUTS = 5;
const MiB = 1024 * 1024;

test('connections that are cut again and again resume where they were', async () => {
  // Devices whose memory changes all the time: pre-copy always has something to send.
  await using harbour = await Harbour.open({ memory: '64M', sourceEmulator: ['--dirty-rate', '8M'] });
  await using proxy = await TcpProxy.to(harbour.source.agent.endpoint);
  const voyage = harbour.voyage();
  const { devices, node } = voyage.source;
  const { ticket } = await voyage.order('source', { kind: 'prepare', generation: 1, devices }, 'Prepared');
  const bandwidthLimit = 64 * MiB;
  await voyage.prepareTarget(1, { endpoint: proxy.endpoint, node, ticket, bandwidthLimit });
  await voyage.order('source', { kind: 'preCopy', generation: 1 }, 'PreCopy');
  for (let cut = 0; cut < CUTS; cut += 1) {
    const before = proxy.bytes;
    await eventually('state on its way', 60_000, () => (proxy.bytes >= before + 4 * MiB ? true : null));
    proxy.cut();
  }
  // A connection that is reset at the wrong moment is noticed by its keepalive alone, some seconds later.
  await voyage.order('source', { kind: 'quiesce', timeoutMs: 60_000, waitOnTimeout: false }, 'Quiesced');
  await voyage.send('source', { kind: 'stop', generation: 1 });
  const stopped = await voyage.until('source', 'the promise', ({ phase }) => phase === 'Stopped');
  const left = await harbour.digests(harbour.source);
  await voyage.verify(stopped);
  expect(await harbour.digests(harbour.target)).toEqual(left);
  await voyage.commit();

  // Five streams over one connection each, and at least one new one after every cut.
  expect(proxy.connections).toBeGreaterThanOrEqual(5 + CUTS);
  for (const { emulator } of [harbour.source, harbour.target]) {
    expect(await emulator.control.violations()).toEqual([]);
  }
  for (const { lost, gaps, doubles } of await harbour.target.emulator.control.links()) {
    expect({ lost, gaps, doubles }).toEqual({ lost: 0, gaps: 0, doubles: 0 });
  }
});

test('a source that nobody pulls from reads its device no further than its window', async () => {
  const window = 4 * MiB;
  const frame = MiB / 4;
  await using harbour = await Harbour.open({
    memory: '64M',
    devices: 1,
    agents: ['--window-bytes', String(window), '--frame-bytes', String(frame)],
  });
  const voyage = harbour.voyage();
  const { devices, node, endpoint } = voyage.source;
  const { ticket } = await voyage.order('source', { kind: 'prepare', generation: 1, devices }, 'Prepared');
  await voyage.order('source', { kind: 'preCopy', generation: 1 }, 'PreCopy');
  // Nobody pulls: the device is read until the window is full, and no further.
  const read = ({ streams }: SessionSnapshot): number =>
    streams.reduce((sum, { totals }) => sum + totals.bytes, 0);
  await voyage.until('source', 'a full window', (session) => read(session) > window - frame);
  const { session } = await voyage.send('source', { kind: 'attach' });
  expect(read(session)).toBeLessThanOrEqual(window);
  await voyage.prepareTarget(1, { endpoint, node, ticket, bandwidthLimit: 0 });
  const stopped = await voyage.stop(1);
  await voyage.verify(stopped);
  await voyage.commit();
});
