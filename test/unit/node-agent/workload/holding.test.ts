import { describe, expect, test } from '@jest/globals';
import { holdingOf } from '@transship/node-agent/internal/workload/holding';
import type { HeldDevice } from '@transship/node-agent/internal/workload/holding';

const agent = { pid: 1, comm: 'node', role: 'agent' };
const workload = { pid: 7, comm: 'trainer', role: 'workload' };
const device = (change: Partial<HeldDevice> = {}): HeldDevice => ({
  holders: [agent],
  holdersKnown: true,
  error: null,
  ...change,
});

const among = (...devices: HeldDevice[]) =>
  holdingOf(
    devices.map((_, index) => String(index)),
    (name) => Promise.resolve(devices[Number(name)] ?? device()),
  );

describe('devices of a workload at the broker', () => {
  test('are nobody else’s when the agent alone has them', async () => {
    expect(await among(device(), device())).toEqual({ kind: 'nobody' });
    expect(await among(device({ holders: [] }))).toEqual({ kind: 'nobody' });
  });

  test('are held when a process has one of them', async () => {
    expect(await among(device(), device({ holders: [agent, workload] }))).toEqual({
      kind: 'held',
      by: 'process 7 (trainer)',
    });
  });

  test.each<[string, HeldDevice, string]>([
    [
      'it does not know all holders',
      device({ holdersKnown: false }),
      'the broker was started after they were given out',
    ],
    [
      'it is of a version that does not tell whether it knows them all',
      { holders: [agent], error: null },
      'the broker is older than this agent and does not know; workloads that end are waited for until it is replaced',
    ],
    ['it has lost one of them', device({ error: 'the device is gone' }), 'the device is gone'],
  ])('are nobody knows whose when %s', async (_name, unsure, why) => {
    expect(await among(device(), unsure)).toEqual({ kind: 'unknown', why });
    // What is known counts all the same.
    expect(await among(unsure, device({ holders: [workload] }))).toMatchObject({ kind: 'held' });
  });

  test('are nobody knows whose when the broker does not answer', async () => {
    const away = () => Promise.reject(new Error('connection refused'));
    expect(await holdingOf(['gpu'], away)).toEqual({
      kind: 'unknown',
      why: 'the broker: connection refused',
    });
  });

  test('need no broker when there are none', async () => {
    const away = () => Promise.reject(new Error('connection refused'));
    expect(await holdingOf([], away)).toEqual({ kind: 'nobody' });
  });
});
