import { describe, expect, test } from '@jest/globals';
import type { SessionSnapshot } from '@transship/node-agent/contract';
import { failure, freshMemory, raised } from '@transship/operator/core';
import { Voyage } from '@transship/operator/internal/reconcile/voyage';
import { source, target } from '../core/fixture.ts';

type Stream = SessionSnapshot['streams'][number];

/** A voyage in pre-copy whose source tells this of its first device, as one look sees it. */
function sampleOf(change: Partial<Stream>) {
  const streams = source('PreCopy').streams.map((stream, index) => ({
    ...stream,
    ended: false,
    ...(index === 0 ? change : {}),
  }));
  const voyage = new Voyage();
  voyage.memory = {
    ...freshMemory,
    source: { kind: 'session', session: source('PreCopy', { streams }), refusal: null },
    target: { kind: 'session', session: target('Loading'), refusal: null },
  };
  voyage.sample(0);
  return voyage.preCopySamples()[0];
}

describe('a look at pre-copy', () => {
  test('V2-18: counts what comes only once the device is stopped', () => {
    expect(sampleOf({ pendingBytes: 1_000, stopCopyBytes: 50_000 })?.pending).toBe(51_000);
  });

  test('V2-17: sees that one device still has initial data', () => {
    expect(sampleOf({ initialPending: true })?.initialPending).toBe(true);
    expect(sampleOf({ initialPending: false })?.initialPending).toBe(false);
  });
});

describe('an answer that a snapshot has overtaken', () => {
  const at = (version: number, phase: 'Preparing' | 'Loading'): SessionSnapshot => ({
    ...target(phase),
    version,
    agentInstance: 'agent',
  });

  function overtaken(refusal: Parameters<Voyage['answered']>[2]) {
    const voyage = new Voyage();
    voyage.memory = raised(freshMemory, target('Preparing').fence);
    voyage.answered('target', at(1, 'Preparing'), null);
    expect(voyage.see('target', at(3, 'Loading'))).toBe(true);
    voyage.answered('target', at(2, 'Preparing'), refusal);
    return voyage.memory.target;
  }

  test('changes nothing when it was obeyed', () => {
    expect(overtaken(null)).toMatchObject({ session: { phase: 'Loading' }, refusal: null });
  });

  test('says that it was refused, and not where the session was then: the snapshot does not come again', () => {
    const refusal = failure('IllegalPhase', 'not now');
    expect(overtaken(refusal)).toMatchObject({ session: { phase: 'Loading' }, refusal });
  });
});
