import { describe, expect, test } from '@jest/globals';
import { prepareTarget, targetAt, verify } from '../../../support/core-voyages.ts';
import { endedStreams, totalsOf } from '../../../support/core-facts.ts';

const each = (devices: number, to: string): string[] =>
  Array.from({ length: devices }, (_, index) => `${index} -> ${to}`);
const resets = (devices: number): string[] => Array.from({ length: devices }, (_, index) => `reset ${index}`);

describe.each([1, 4])('a target of %i device(s) with NDMA', (devices) => {
  const loaded = [
    ...resets(devices),
    ...each(devices, 'RunningP2P'),
    ...each(devices, 'Stop'),
    ...each(devices, 'Resuming'),
    'startLoading 1',
  ];

  test('is reset, loaded, leaves Resuming as one, and runs past barrier B; then the workload is thawed', () => {
    const node = targetAt('Active', { devices });
    expect(node.phases).toEqual([
      'Fenced',
      'Preparing',
      'Loading',
      'Verifying',
      'Verified',
      'Activating',
      'Starting',
      'Active',
    ]);
    expect(node.orders).toEqual([
      ...loaded,
      'endLoading',
      ...each(devices, 'Stop'),
      ...each(devices, 'RunningP2P'),
      ...each(devices, 'Running'),
      'thaw',
    ]);
    expect(node.states).toEqual(node.ids.map(() => 'Running'));
    expect(node.devices.every((device) => device.holds)).toBe(true);
    expect(node.workload).toBe('running');
  });

  test('V1-57: discarded while loading is reset, device by device, and its copy of the workload is dropped', () => {
    const node = targetAt('Discarded', { devices });
    expect(node.phases).toEqual(['Fenced', 'Preparing', 'Loading', 'Discarding', 'Discarded']);
    expect(node.orders).toEqual([...loaded, 'endLoading', 'discardWorkload', ...resets(devices)]);
    expect(node.devices.some((device) => device.holds)).toBe(false);
    expect(node.workload).toBe('discarded');
  });
});

describe('a lone target without NDMA', () => {
  test('V1-24: goes Running, Stop, Resuming and back without the quiescent state', () => {
    const node = targetAt('Active', { devices: 1, p2p: false });
    expect(node.orders).toEqual([
      'reset 0',
      '0 -> Stop',
      '0 -> Resuming',
      'startLoading 1',
      'endLoading',
      '0 -> Stop',
      '0 -> Running',
      'thaw',
    ]);
    // Barrier B is passed in the transition that ordered activation: it has nobody to wait for.
    expect(node.phases.slice(-3)).toEqual(['Verified', 'Starting', 'Active']);
  });
});

describe('the order of effects of a target', () => {
  test('V1-19, V1-56: every device is RESET before it is used, whatever it held', () => {
    const node = targetAt('Preparing', { devices: 3 });
    expect(node.jobs).toEqual([0, 1, 2]);
    expect(node.orders).toEqual(resets(3));
  });

  test('nothing is loaded before all devices are in Resuming', () => {
    const node = targetAt('Preparing', { devices: 2 });
    while (node.jobs.includes(1)) node.finish(1);
    expect(node.states).toEqual(['Running', 'RunningP2P']);
    while (node.jobs.includes(0)) node.finish(0);
    expect(node.states).toEqual(['Resuming', 'RunningP2P']);
    expect(node.phase).toBe('Preparing');
    node.settle({ until: 'Loading' });
    expect(node.orders.filter((order) => order.startsWith('startLoading'))).toEqual(['startLoading 1']);
    expect(node.states).toEqual(['Resuming', 'Resuming']);
  });

  test('V1-22, V1-23: no device leaves Resuming before verify, however complete its stream is', () => {
    const node = targetAt('Loading', { devices: 2 }).settle();
    expect(node.view).toMatchObject({ phase: 'Loading', settled: true });
    expect(node.states).toEqual(['Resuming', 'Resuming']);
    expect(node.jobs).toEqual([]);
  });

  test('V1-23: verify before every stream has arrived is refused and starts nothing', () => {
    const node = targetAt('Loading', { devices: 2 });
    expect(node.send(verify(node))).toMatchObject({ code: 'IllegalPhase' });
    expect(node.phase).toBe('Loading');
    expect(node.states).toEqual(['Resuming', 'Resuming']);
  });

  test('V1-23: verify while one stream is short is refused and starts nothing', () => {
    const node = targetAt('Loading', { devices: 2 });
    const streams = endedStreams(totalsOf(2, 1)).map((stream, index) => ({ ...stream, ended: index !== 1 }));
    node.event({ kind: 'streams', generation: 1, streams });
    expect(node.send(verify(node))).toMatchObject({ code: 'IllegalPhase' });
    expect(node.phase).toBe('Loading');
  });

  test('V2-24: all devices are at Stop, judged by themselves, before the promise is journalled', () => {
    const node = targetAt('Verifying', { devices: 2 });
    node.finish(1);
    expect(node.phase).toBe('Verifying');
    node.finish(0);
    expect(node.phase).toBe('Verified');
    expect(node.view.settled).toBe(true);
  });

  test('the same order again neither repeats nor restarts anything under way', () => {
    const node = targetAt('Preparing', { devices: 2 });
    const orders = [...node.orders];
    expect(node.send(prepareTarget(node))).toBeNull();
    expect(node.orders).toEqual(orders);
  });

  test('the workload is thawed only when every device runs', () => {
    const node = targetAt('Starting', { devices: 2 });
    node.finish(0);
    expect(node.orders).not.toContain('thaw');
    node.finish(1);
    expect(node.orders.at(-1)).toBe('thaw');
    expect(node.phase).toBe('Starting');
    node.finish('workload');
    expect(node.phase).toBe('Active');
  });
});

describe('what verify compares (V1-23, V1-50, V1-51)', () => {
  const mismatch: readonly [string, (totals: ReturnType<typeof totalsOf>) => ReturnType<typeof totalsOf>][] =
    [
      [
        'a segment too many',
        (totals) => totals.map((t, i) => (i === 0 ? { ...t, segments: t.segments + 1 } : t)),
      ],
      ['a byte too few', (totals) => totals.map((t, i) => (i === 1 ? { ...t, bytes: t.bytes - 1 } : t))],
      ['another checksum', (totals) => totals.map((t, i) => (i === 4 ? { ...t, crc32c: 0 } : t))],
      [
        'a stream that was sent and did not arrive',
        (totals) => [...totals, { ...totals[0]!, deviceIndex: 9 }],
      ],
      ['a stream that arrived and was not sent', (totals) => totals.slice(0, -1)],
    ];

  test.each(mismatch)('%s is StreamCorrupt, and every device stays in Resuming', (_, change) => {
    const node = targetAt('Loading', { devices: 2 }).settle();
    const refusal = node.send({ kind: 'verify', generation: 1, expected: change(totalsOf(2, 1)) });
    expect(refusal).toMatchObject({ code: 'StreamCorrupt' });
    expect(node.view).toMatchObject({ phase: 'Loading', settled: true, error: { code: 'StreamCorrupt' } });
    expect(node.states).toEqual(['Resuming', 'Resuming']);
    // It is not talked into it by asking again.
    expect(node.send(verify(node))).toMatchObject({ code: 'IllegalPhase' });
  });

  test('equal counts, bytes and checksums are taken', () => {
    const node = targetAt('Loading', { devices: 2 }).settle();
    expect(node.send(verify(node))).toBeNull();
    expect(node.settle().phase).toBe('Verified');
  });

  test('the totals of another generation are refused', () => {
    const node = targetAt('Loading', { devices: 2 }).settle();
    expect(node.send(verify(node, 2))).toMatchObject({ code: 'IllegalPhase' });
    expect(node.phase).toBe('Loading');
  });
});
