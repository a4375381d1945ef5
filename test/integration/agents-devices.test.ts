import { dirname } from 'node:path';
import { expect, test } from '@jest/globals';
import { Harbour } from '../support/harbour.ts';
import { startEmulator } from '../support/processes.ts';

test('devices whose server dies are unreachable, and lost when it comes back without their state', async () => {
  await using harbour = await Harbour.open();
  const voyage = harbour.voyage();
  await voyage.prepare(1);
  const { emulator } = harbour.target;
  await emulator.process.kill();
  await voyage.until('target', 'unreachable devices', ({ devices }) =>
    devices.every(({ state, lost }) => state === 'Unknown' && !lost),
  );
  const { devices } = await voyage.target.client.describe([], AbortSignal.timeout(60_000));
  expect(devices.map(({ health }) => health)).toEqual(['Unreachable', 'Unreachable']);

  await using again = await startEmulator({
    directory: dirname(emulator.controlSocket),
    node: 'gpu-b',
    devices: 2,
    memory: '16M',
    args: ['--seed', '3', '--traffic', 'off'],
  });
  await voyage.until('target', 'lost devices', (session) => session.devices.every((device) => device.lost));

  // The set never left the source; the target is given up and its devices are free for another attempt.
  await voyage.order('source', { kind: 'rollBack', decision: 'Undecided' }, 'RolledBack');
  const { refusal, session } = await voyage.send('target', { kind: 'discard', decision: 'Undecided' });
  expect({ refusal, phase: session.phase }).toEqual({ refusal: null, phase: 'Discarded' });
  const second = harbour.voyage();
  await second.prepare(1);
  await second.verify(await second.stop(1));
  await second.commit();
  expect(await again.control.violations()).toEqual([]);
});

test('a device that refuses to stop brings the set back, and says why', async () => {
  await using harbour = await Harbour.open();
  const voyage = harbour.voyage();
  await voyage.prepare(1);
  await voyage.order('source', { kind: 'preCopy', generation: 1 }, 'PreCopy');
  await harbour.source.emulator.control.fault(1, 'refuse-arc', { to: '0xB', errno: 'EBUSY' });
  const { session } = await voyage.send('source', {
    kind: 'quiesce',
    timeoutMs: 60_000,
    waitOnTimeout: false,
  });
  expect(session).toMatchObject({ phase: 'RolledBack', error: { code: 'ArcFailed', device: 'gpu-a/1' } });
  expect(session.error?.message).toContain('EBUSY');
  expect(await harbour.source.emulator.control.workload()).toMatchObject({ frozen: false });
  for (const { lost } of await harbour.source.emulator.control.links()) expect(lost).toBe(0);
});

test('a device whose stream is damaged by its own driver is refused by the target device, and never started', async () => {
  await using harbour = await Harbour.open();
  const voyage = harbour.voyage();
  await voyage.prepare(1);
  await harbour.source.emulator.control.fault(0, 'corrupt-stream');
  await voyage.order('source', { kind: 'quiesce', timeoutMs: 60_000, waitOnTimeout: false }, 'Quiesced');
  await voyage.send('source', { kind: 'stop', generation: 1 }, 0);
  // At the latest when it leaves Resuming, but the device may notice earlier.
  const refused = await voyage.until('target', 'the refusal', ({ error }) => error !== null);
  expect(refused).toMatchObject({ phase: 'Loading', error: { code: 'LoadRejected', device: 'gpu-b/0' } });
  for (const command of [
    { kind: 'verify', generation: 1, expected: refused.streams.map(({ totals }) => totals) },
    { kind: 'activate', decision: 'Commit' },
  ] as const) {
    expect((await voyage.send('target', command)).refusal?.code).toBe('IllegalPhase');
  }
  expect((await harbour.target.emulator.control.devices()).map(({ state }) => state)).toEqual([
    'Resuming',
    'Resuming',
  ]);
  // The source has not promised: it waits for the record, and comes back on it.
  await voyage.order('source', { kind: 'rollBack', decision: 'Abort' }, 'RolledBack');
  for (const { lost } of await harbour.source.emulator.control.links()) expect(lost).toBe(0);
});
