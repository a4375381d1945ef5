import { describe, expect, test } from '@jest/globals';
import type { SessionSnapshot } from '@transship/node-agent/contract';
import { Harbour } from '../support/harbour.ts';
import type { Voyage } from '../support/voyage.ts';

const MiB = 1024 * 1024;
/** What a source may hold of one stream, and the largest part of it that is read at once. */
const WINDOW = 4 * MiB;
const FRAME = MiB / 4;
const LIMITS = ['--window-bytes', String(WINDOW), '--frame-bytes', String(FRAME)];
const QUIESCE = { kind: 'quiesce', timeoutMs: 120_000, waitOnTimeout: false } as const;

const bytesOf = ({ streams }: SessionSnapshot): number =>
  streams.reduce((sum, { totals }) => sum + totals.bytes, 0);

/** Two devices that change all the time, so that there is always more than fits. */
const opened = (): Promise<Harbour> =>
  Harbour.open({ memory: '32M', devices: 2, agents: LIMITS, sourceEmulator: ['--dirty-rate', '8M'] });

/** A source whose windows are full, since its target takes nothing, or `bandwidthLimit` bytes per second. */
async function fullSource(voyage: Voyage, bandwidthLimit: number | null): Promise<void> {
  const { devices, node, endpoint } = voyage.source;
  const { ticket } = await voyage.order('source', { kind: 'prepare', generation: 1, devices }, 'Prepared');
  if (bandwidthLimit !== null) await voyage.prepareTarget(1, { endpoint, node, ticket, bandwidthLimit });
  await voyage.order('source', { kind: 'preCopy', generation: 1 }, 'PreCopy');
  await voyage.until(
    'source',
    'full windows',
    (session) => bytesOf(session) >= devices.length * (WINDOW - FRAME),
  );
}

/** What the source holds is bounded by its windows, whatever it was told to do meanwhile. */
async function expectBounded(voyage: Voyage): Promise<void> {
  const { session: source } = await voyage.send('source', { kind: 'attach' }, 0);
  const { session: target } = await voyage.send('target', { kind: 'attach' }, 0);
  const held = bytesOf(source) - bytesOf(target);
  // One segment that a device has begun may go beyond, so that it is not left in the middle of it.
  expect(held).toBeLessThanOrEqual(voyage.source.devices.length * (WINDOW + FRAME));
}

async function expectHome(harbour: Harbour): Promise<void> {
  const devices = await harbour.source.emulator.control.devices();
  expect(devices.map(({ state }) => state)).toEqual(devices.map(() => 'Running'));
  expect(await harbour.source.emulator.control.violations()).toEqual([]);
}

describe.each([
  ['that nobody pulls from', null],
  ['whose target takes next to nothing', 1024],
] as const)('a source %s, its windows full', (_name, bandwidthLimit) => {
  test('becomes quiet, and runs again', async () => {
    await using harbour = await opened();
    const voyage = harbour.voyage();
    await fullSource(voyage, bandwidthLimit);
    await voyage.order('source', QUIESCE, 'Quiesced');
    await expectBounded(voyage);
    await voyage.order('source', { kind: 'rollBack', decision: 'Undecided' }, 'RolledBack');
    await expectHome(harbour);
  });

  test('stops, and runs again on Abort; the target gives up at once', async () => {
    await using harbour = await opened();
    const voyage = harbour.voyage();
    await fullSource(voyage, bandwidthLimit);
    await voyage.order('source', QUIESCE, 'Quiesced');
    const { refusal } = await voyage.send('source', { kind: 'stop', generation: 1 }, 0);
    expect(refusal).toBeNull();
    await voyage.until('source', 'every device stopped', ({ devices }) =>
      devices.every(({ state }) => state === 'StopCopy'),
    );
    await expectBounded(voyage);
    await voyage.order('source', { kind: 'rollBack', decision: 'Abort' }, 'RolledBack');
    await expectHome(harbour);
    const { refusal: no } = await voyage.send('target', { kind: 'discard', decision: 'Abort' });
    expect(no).toBeNull();
    await voyage.reach('target', 'Discarded');
    expect(await harbour.target.emulator.control.violations()).toEqual([]);
  });
});
