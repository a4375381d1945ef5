import { describe, expect, test } from '@jest/globals';
import { isTooSilent, verdictOn } from '../../soak/ending.ts';

const kindOf = (phase: string, code: string | null, isMoved: boolean, mayEnd: string[] = []): string =>
  verdictOn({ phase, code, isMoved }, mayEnd).kind;

describe('the end of a voyage', () => {
  test('that moved is right, whatever had gone wrong before', () => {
    expect(kindOf('Succeeded', null, true)).toBe('right');
    expect(kindOf('Succeeded', 'StreamCorrupt', true)).toBe('right');
  });

  test.each(['Failed', 'Aborted', 'Rejected'])('%s with the set at the target is wrong', (phase) => {
    expect(kindOf(phase, 'Cancelled', true, ['Cancelled'])).toBe('wrong');
    expect(kindOf(phase, 'AgentUnreachable', true)).toBe('wrong');
  });

  test.each(['Succeeded', 'Failed', 'Aborted'])('%s with Internal is always wrong', (phase) => {
    expect(kindOf(phase, 'Internal', phase === 'Succeeded', ['Internal'])).toBe('wrong');
  });

  test('of one that was deleted may be seen on its way, on either side; of no other', () => {
    for (const isMoved of [true, false]) {
      expect(kindOf('Activating', null, isMoved, ['Cancelled'])).toBe('right');
      expect(kindOf('Activating', null, isMoved)).toBe('wrong');
    }
  });

  test('without a code explains nothing', () => {
    expect(kindOf('Failed', null, false, ['ArcFailed'])).toBe('wrong');
  });

  test.each(['AgentUnreachable', 'DeadlineExceeded', 'DeviceUnreachable', 'DeviceStuck'])(
    '%s is silence',
    (code) => {
      expect(kindOf('Failed', code, false)).toBe('silent');
      expect(kindOf('Succeeded', code, false)).toBe('wrong');
    },
  );
});

test('one in silence is too many of no run, and more than a tenth of any', () => {
  expect([
    isTooSilent(0, 1),
    isTooSilent(1, 1),
    isTooSilent(2, 20),
    isTooSilent(2, 19),
    isTooSilent(4, 39),
  ]).toEqual([false, false, false, true, true]);
});
