import { describe, expect, test } from '@jest/globals';
import type { SessionSnapshot } from '@transship/node-agent/contract';
import { freshMemory } from '@transship/operator/core';
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
