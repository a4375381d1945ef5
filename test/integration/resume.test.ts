import { expect, test } from '@jest/globals';
import { CuttingProxy } from '../support/cutting-proxy.ts';
import { expectMoved } from '../support/set-checks.ts';
import { TwoNodes } from '../support/two-nodes.ts';

const MiB = 1024 * 1024;
const DEVICES = [0, 1];
const MEMORY = 8 * MiB;
const WINDOW = 512 * 1024;

test('connections that break in the middle of segments go on at the exact byte', async () => {
  await using proxy = await CuttingProxy.listen();
  await using nodes = await TwoNodes.start({
    devices: DEVICES.length,
    memory: '8M',
    advertise: proxy.endpoint,
    agents: ['--window-bytes', String(WINDOW), '--frame-bytes', '65536'],
  });
  proxy.forwardTo(nodes.source.agent.endpoint);
  // Segments are of 1 MiB, so no multiple of this is a segment's end for long; nor is it that of a frame.
  proxy.cutEach({ after: 700_001, times: 5 });
  await nodes.apply('cut', { devices: DEVICES, strategy: { mode: 'StopCopy' } });
  const status = await expectMoved(nodes, 'cut', DEVICES);
  expect(status).toMatchObject({ generation: 1, decision: { value: 'Commit' } });

  expect(proxy.cuts).toBe(5);
  const state = status.transfer?.bytes ?? 0;
  expect(state).toBeGreaterThan(DEVICES.length * MEMORY);
  // Of what was on the way when a connection broke at most a window is sent twice.
  expect(proxy.bytes).toBeGreaterThan(state);
  expect(proxy.bytes).toBeLessThan(1.1 * state + proxy.cuts * WINDOW);
});
