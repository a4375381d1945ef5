import { expect, test } from '@jest/globals';
import { Harbour } from '../support/harbour.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const CUT_INTERVAL_MS = 150;
const CUTS = 5;

test('connections that are cut again and again resume where they were', async () => {
  await using harbour = await Harbour.open({ memory: '64M' });
  await using proxy = await TcpProxy.to(harbour.source.agent.endpoint);
  const voyage = harbour.voyage();
  const { devices, node } = voyage.source;
  const { ticket } = await voyage.order('source', { kind: 'prepare', generation: 1, devices }, 'Prepared');
  // Slow enough that every cut falls into the transfer.
  const bandwidthLimit = 64 * 1024 * 1024;
  await voyage.prepareTarget(1, { endpoint: proxy.endpoint, node, ticket, bandwidthLimit });
  await voyage.order('source', { kind: 'preCopy', generation: 1 }, 'PreCopy');
  for (let cut = 0; cut < CUTS; cut += 1) {
    await new Promise((resolve) => setTimeout(resolve, CUT_INTERVAL_MS));
    proxy.cut();
  }
  // A connection that is reset at the wrong moment is noticed by its keepalive alone, some seconds later.
  await voyage.order('source', { kind: 'quiesce', timeoutMs: 5_000, waitOnTimeout: false }, 'Quiesced');
  await voyage.send('source', { kind: 'stop', generation: 1 });
  const stopped = await voyage.until('source', 'the promise', ({ phase }) => phase === 'Stopped', 60_000);
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
}, 90_000);

test('a source that nobody pulls from reads its device no further than its window', async () => {
  const window = 4 * 1024 * 1024;
  await using harbour = await Harbour.open({
    memory: '64M',
    devices: 1,
    agents: ['--window-bytes', String(window), '--frame-bytes', '262144'],
  });
  const voyage = harbour.voyage();
  const { devices, node, endpoint } = voyage.source;
  const { ticket } = await voyage.order('source', { kind: 'prepare', generation: 1, devices }, 'Prepared');
  await voyage.order('source', { kind: 'preCopy', generation: 1 }, 'PreCopy');
  // Nobody pulls: the device is read until the window is full, and no further.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const idle = await voyage.send('source', { kind: 'attach' });
  const read = idle.session.streams.reduce((sum, { totals }) => sum + totals.bytes, 0);
  expect(read).toBeGreaterThan(window / 2);
  expect(read).toBeLessThanOrEqual(window);
  await voyage.prepareTarget(1, { endpoint, node, ticket, bandwidthLimit: 0 });
  const stopped = await voyage.stop(1);
  await voyage.verify(stopped);
  await voyage.commit();
});
