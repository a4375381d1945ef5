import { expect, test } from '@jest/globals';
import { failure, freshMemory } from '@transship/operator/core';
import type { Memory } from '@transship/operator/core';
import { SilentWorkload } from '@transship/operator/internal/reconcile/silent-workload';
import { source, target } from '../core/fixture.ts';

const refusing = (code: 'WorkloadUnreachable' | 'FreezeFailed'): Memory => ({
  ...freshMemory,
  source: { kind: 'session', session: source('Prepared'), refusal: null },
  target: { kind: 'session', session: target('Fenced'), refusal: failure(code, 'no answer in time') },
});
const ANSWERED: Memory = {
  ...refusing('FreezeFailed'),
  target: { kind: 'session', session: target('Preparing'), refusal: null },
};

test('a workload that does not answer is waited for one minute', () => {
  const silent = new SilentWorkload();
  expect(silent.look(refusing('WorkloadUnreachable'), 1_000)).toBeNull();
  expect(silent.look(refusing('WorkloadUnreachable'), 60_999)).toBeNull();
  expect(silent.look(refusing('WorkloadUnreachable'), 61_000)).toEqual({
    code: 'WorkloadUnreachable',
    message: 'the workload has not answered for 60 s: no answer in time',
    device: null,
  });
});

test('one that has answered in between is waited for anew', () => {
  const silent = new SilentWorkload();
  silent.look(refusing('WorkloadUnreachable'), 0);
  expect(silent.look(ANSWERED, 30_000)).toBeNull();
  expect(silent.look(refusing('WorkloadUnreachable'), 60_000)).toBeNull();
  expect(silent.look(refusing('WorkloadUnreachable'), 120_000)).not.toBeNull();
});

test('a refusal of its own is not the affair of this wait', () => {
  const silent = new SilentWorkload();
  silent.look(refusing('FreezeFailed'), 0);
  expect(silent.look(refusing('FreezeFailed'), 600_000)).toBeNull();
});
