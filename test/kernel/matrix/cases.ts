/** What each column of the matrix shows; a case ends with a thrown expectation or with what it has seen. */
import { expect } from '@jest/globals';
import { refused, withCode } from '../outcome.ts';
import { startDriver } from '../rig/driver.ts';
import { eventually } from '../../support/managed-process.ts';
import type { CaseName } from './rows.ts';
import type { Stand } from './stand.ts';
import { bytesOf, collect, cutShort, give, sail, stopAndSave } from './streams.ts';

type Show = (stand: Stand) => Promise<void>;

const save: Show = async (stand) => {
  const source = await stand.open(stand.source);
  expect(await source.state()).toBe('Running');
  await sail(source, 'RunningP2P', 'Stop');
  const before = await stand.source.fingerprint(source);
  await source.arc('StopCopy');
  const { segments, ended } = await collect(source);
  expect(ended).toBe(true);
  expect(bytesOf(segments)).toBeGreaterThan(0);
  await source.arc('Stop');
  expect(await stand.source.fingerprint(source)).toBe(before);
  await sail(source, 'RunningP2P', 'Running');
};

const preCopy: Show = async (stand) => {
  const [source, target] = [await stand.open(stand.source), await stand.open(stand.target)];
  await source.arc('PreCopy');
  const early = await collect(source);
  expect(early.ended).toBe(false);
  expect(bytesOf(early.segments)).toBeGreaterThan(0);
  // Loaded while the source still runs, as pre-copy is for.
  await sail(target, 'RunningP2P', 'Stop', 'Resuming');
  await give(target, early.segments);
  await sail(source, 'PreCopyP2P', 'StopCopy');
  const late = await collect(source);
  expect(late.ended).toBe(true);
  await give(target, late.segments);
  await sail(target, 'Stop');
  expect(await stand.target.fingerprint(target)).toBe(await stand.source.fingerprint(source));
};

const resume: Show = async (stand) => {
  const [source, target] = [await stand.open(stand.source), await stand.open(stand.target)];
  await stopAndSave(source);
  const { segments } = await collect(source);
  await sail(target, 'RunningP2P', 'Stop', 'Resuming');
  await give(target, segments);
  await sail(target, 'Stop');
  expect(await stand.target.fingerprint(target)).toBe(await stand.source.fingerprint(source));
  await sail(target, 'RunningP2P', 'Running');
  expect(await target.state()).toBe('Running');
  // It answers as a running device does.
  await target.regionWrite(0, 7, Buffer.from([0x5a]));
  expect(await target.regionRead(0, 7, 1)).toEqual(Buffer.from([0x5a]));
};

/** Devices that send to each other are quiesced one after the other, later than a transaction is under way. */
const barrier: Show = async (stand) => {
  const [first, second] = [await stand.open(stand.source), await stand.open(stand.target)];
  const owns = stand.devices.flatMap(({ own }) => own ?? []);
  const peers = await Promise.all(owns.map((own) => own.read('id')));
  for (const [index, own] of owns.entries()) {
    await own.write('peer', peers[1 - index] ?? '');
    await own.write('traffic', 1);
  }
  for (const own of owns) {
    await eventually('traffic', 60_000, async () => ((await own.counters())['received'] ?? 0) > 10 || null);
  }
  await first.arc('RunningP2P');
  // Quiesced is not stopped: what the other still sends arrives.
  await second.arc('RunningP2P');
  await sail(first, 'Stop', 'StopCopy');
  await sail(second, 'Stop', 'StopCopy');
  for (const own of owns) expect(await own.counters()).toMatchObject({ lost: 0, gaps: 0, doubles: 0 });
  for (const device of [first, second]) await device.arc('Stop');
  for (const device of [first, second]) await device.arc('RunningP2P');
  for (const device of [first, second]) await device.arc('Running');
  for (const own of owns) {
    const { received = 0 } = await own.counters();
    await eventually(
      'more traffic',
      60_000,
      async () => ((await own.counters())['received'] ?? 0) > received || null,
    );
    expect(await own.counters()).toMatchObject({ lost: 0, gaps: 0, doubles: 0 });
  }
  if (owns.length === 0) return;
  // The counters can tell: what the other sends to one that is stopped before it was quiesced is lost.
  await sail(first, 'RunningP2P', 'Stop');
  await eventually('a loss', 60_000, async () => ((await owns[1]?.counters())?.['lost'] ?? 0) > 0 || null);
};

const refusedArc: Show = async (stand) => {
  const source = await stand.open(stand.source);
  if (stand.source.own === null) {
    // mtty grants every arc of its own; the one that the kernel never grants is not even asked for.
    await stopAndSave(source);
    expect(await refused(source.arc('PreCopy'))).toMatchObject(withCode('TRANSSHIP_ILLEGAL_ARC'));
    expect(await source.state()).toBe('StopCopy');
    return;
  }
  await stand.source.own.fault('refuse RunningP2P EBUSY 1');
  const error = await refused(source.arc('RunningP2P'));
  expect(error).toMatchObject({ code: 'TRANSSHIP_ARC_REFUSED', errno: 'EBUSY' });
  expect(await source.state()).toBe('Running');
  await source.arc('RunningP2P');
  expect(await source.state()).toBe('RunningP2P');
};

const errorAndReset: Show = async (stand) => {
  const source = await stand.open(stand.source);
  await sail(source, 'RunningP2P', 'Stop');
  await stand.source.own?.fault('error StopCopy EIO 1');
  expect(await refused(source.arc('StopCopy'))).toMatchObject(withCode('TRANSSHIP_DEVICE_ERROR'));
  expect(await source.state()).toBe('Error');
  expect(await refused(source.arc('Running'))).toMatchObject({ name: 'GuestError' });
  await source.reset();
  expect(await source.state()).toBe('Running');
  await stopAndSave(source);
  expect((await collect(source)).ended).toBe(true);
};

const shortStream: Show = async (stand) => {
  const [source, target] = [await stand.open(stand.source), await stand.open(stand.target)];
  await stopAndSave(source);
  const { segments } = await collect(source);
  await sail(target, 'RunningP2P', 'Stop', 'Resuming');
  await give(target, cutShort(segments, stand.row.protocol));
  expect(await refused(target.arc('Stop'))).toMatchObject(withCode('TRANSSHIP_LOAD_REJECTED'));
  await target.reset();
  expect(await target.state()).toBe('Running');
  await sail(source, 'Stop', 'RunningP2P', 'Running');
};

const agentKilled: Show = async (stand) => {
  await using driver = await startDriver(stand.guest);
  const killed = await stand.open(stand.source, driver.control);
  const lasting = stand.broker === null ? null : await stand.broker.info();
  await stopAndSave(killed);
  const before = await stand.source.fingerprint(killed);
  await killed.nextSegment();
  await killed.readSegment(16);
  await driver.kill();
  const source = await stand.reopen(stand.source);
  if (stand.broker === null) {
    // The last close was a power cycle for the project's device; mtty sleeps on and has to be reset.
    expect(await source.state()).toBe(stand.source.own === null ? 'StopCopy' : 'Running');
    await source.reset();
    expect(await source.state()).toBe('Running');
    return;
  }
  expect(await source.state()).toBe('StopCopy');
  expect((await stand.broker.info()).map(({ opens, resets }) => ({ opens, resets }))).toEqual(
    lasting?.map(({ opens, resets }) => ({ opens, resets })),
  );
  await sail(source, 'Stop');
  expect(await stand.source.fingerprint(source)).toBe(before);
  await source.arc('StopCopy');
  const { segments, ended } = await collect(source);
  expect(ended).toBe(true);
  const target = await stand.open(stand.target);
  await sail(target, 'RunningP2P', 'Stop', 'Resuming');
  await give(target, segments);
  await target.arc('Stop');
  expect(await stand.target.fingerprint(target)).toBe(before);
};

export const SHOW: Readonly<Record<CaseName, Show>> = {
  save,
  'pre-copy': preCopy,
  'P2P barrier': barrier,
  resume,
  'refused arc': refusedArc,
  'ERROR + reset': errorAndReset,
  'short stream': shortStream,
  'agent killed': agentKilled,
};
