import { describe, expect, test } from '@jest/globals';
import {
  failure,
  freshMemory,
  noted,
  observed,
  raised,
  replied,
  retry,
  unanswered,
  unfinished,
  type Memory,
} from '@transship/operator/core';
import { asReason, fromReason } from '@transship/operator/internal/core/failure';
import { PLACED, source, target } from './fixture.ts';

const HELD = 4;
const holding = (change: Partial<Memory> = {}): Memory => ({ ...raised(freshMemory, HELD), ...change });
const lost = failure('AgentUnreachable', 'no answer');

describe('what an operator process remembers', () => {
  test('begins with nothing: no fence, no side attached', () => {
    expect(freshMemory).toMatchObject({
      held: null,
      sequence: 0,
      superseded: false,
      source: { kind: 'unattached' },
      target: { kind: 'unattached' },
    });
  });

  test('a raised fence forgets both sides, the sequence and that it was superseded, and keeps the placement', () => {
    const session = { kind: 'session', session: source('Stopped'), refusal: null } as const;
    const before = holding({
      sequence: 9,
      superseded: true,
      source: session,
      target: session,
      placement: PLACED,
    });
    expect(raised(before, 5)).toEqual({ ...freshMemory, held: 5, placement: PLACED });
  });
});

describe('the decision that was read', () => {
  test('is remembered, also under the next fence', () => {
    const memory = noted(holding(), 'Commit');
    expect(memory.decided).toBe('Commit');
    expect(raised(memory, 5).decided).toBe('Commit');
    expect(noted(memory, 'Commit')).toBe(memory);
  });

  test('gives way to what may follow it, and to nothing else', () => {
    const memory = noted(holding(), 'Commit');
    expect(noted(memory, 'Revert').decided).toBe('Revert');
    expect(noted(memory, 'Undecided')).toBe(memory);
    expect(noted(memory, 'Abort')).toBe(memory);
  });
});

test('an end that may yet be written is fenced off: the next thing is to raise the fence', () => {
  const session = { kind: 'session', session: source('Fenced'), refusal: null } as const;
  const before = holding({ source: session, target: session, placement: PLACED, decided: 'Abort' });
  expect(unfinished(before)).toEqual({ ...freshMemory, placement: PLACED, decided: 'Abort' });
});

describe('the answer to a command', () => {
  test('under the held fence is what is known of that side', () => {
    const session = source('Prepared', { fence: HELD });
    const refusal = failure('IllegalPhase', 'not now');
    expect(replied(holding(), 'source', session, refusal).source).toEqual({
      kind: 'session',
      session,
      refusal,
    });
    expect(replied(holding(), 'source', session, null).target).toEqual({ kind: 'unattached' });
  });

  test('that names a higher fence says that somebody has taken over', () => {
    const session = source('Prepared', { fence: HELD + 1 });
    const memory = replied(holding(), 'source', session, null);
    expect(memory.superseded).toBe(true);
    // A record that never had this fence was restored, and only the session tells.
    expect(memory.source).toEqual({ kind: 'session', session, refusal: null });
  });

  test('FenceConflict says the same, although the fence is equal', () => {
    const refusal = failure('FenceConflict', 'another operator');
    expect(replied(holding(), 'target', target('Loading', { fence: HELD }), refusal).superseded).toBe(true);
  });

  test('counts for nothing when no fence is held any more', () => {
    expect(replied(freshMemory, 'source', source('Prepared'), null)).toBe(freshMemory);
  });
});

describe('a command without an answer', () => {
  test('makes that side unreachable, and only that side', () => {
    const session = target('Loading', { fence: HELD });
    const memory = unanswered(replied(holding(), 'target', session, null), 'source', lost);
    expect(memory.source).toEqual({ kind: 'unreachable', failure: lost });
    expect(memory.target).toMatchObject({ kind: 'session' });
  });

  test('is followed by attach, under a later sequence, before anything is concluded again', () => {
    const memory = retry(unanswered(holding(), 'source', lost), 'source');
    expect(memory.source).toEqual({ kind: 'unattached' });
  });

  test('a side that answers is not asked to attach again', () => {
    const memory = replied(holding(), 'source', source('Prepared', { fence: HELD }), null);
    expect(retry(memory, 'source')).toBe(memory);
  });
});

describe('an observed snapshot', () => {
  const attached = replied(holding(), 'source', source('Prepared', { fence: HELD }), null);

  test('replaces what was known of an attached side, with no refusal', () => {
    const now = source('PreCopy', { fence: HELD });
    expect(observed(attached, 'source', now).source).toEqual({
      kind: 'session',
      session: now,
      refusal: null,
    });
  });

  test('keeps a refusal until the agent has accepted a later command', () => {
    const refusal = failure('DeviceBusy', 'a workload runs there');
    const refused = replied(holding(), 'target', target('Fenced', { fence: HELD, sequence: 3 }), refusal);
    const still = observed(refused, 'target', target('Fenced', { fence: HELD, sequence: 3 }));
    expect(still.target).toMatchObject({ refusal });
    const later = observed(still, 'target', target('Fenced', { fence: HELD, sequence: 4 }));
    expect(later.target).toMatchObject({ refusal: null });
  });

  test.each(['unattached', 'unreachable'] as const)('counts for nothing while the side is %s', (kind) => {
    const memory = kind === 'unattached' ? holding() : unanswered(holding(), 'source', lost);
    expect(observed(memory, 'source', source('Stopped', { fence: HELD }))).toBe(memory);
  });

  test('of a lower fence than was accepted says that the journal is gone: the agent is to be attached anew', () => {
    const memory = observed(attached, 'source', source('Fenced', { fence: 0 }));
    expect(memory).toEqual({ ...attached, source: { kind: 'unattached' } });
  });

  test('of a higher fence says that somebody has taken over', () => {
    const memory = observed(attached, 'source', source('Stopped', { fence: HELD + 1 }));
    expect(memory.superseded).toBe(true);
  });
});

describe('the reason of a decision', () => {
  test('is read back as it was written, whoever reads it', () => {
    const why = failure('StreamCorrupt', 'stream device/0: checksums differ\n(second line)');
    expect(fromReason(asReason(why))).toEqual(why);
  });

  test.each([null, '', 'generation 1 verified', 'lower: case', 'NoColon'])('%j is no failure', (reason) => {
    expect(fromReason(reason)).toBeNull();
  });
});
