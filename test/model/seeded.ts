import type { Rule } from './rules-off.ts';
import type { Fault } from './world.ts';

/** A rule, the faults under which its loss shows, and what it must come to. */
export interface Seeded {
  readonly rule: Rule;
  readonly what: string;
  readonly faults: number;
  readonly kinds: readonly Fault[];
  readonly expected: RegExp;
  /** That production keeps the invariants under these faults takes minutes to see, and is left to `--full`; the search prunes. */
  readonly isLong?: boolean;
}

export const SEEDED: readonly Seeded[] = [
  {
    rule: 'fence',
    what: 'no fence, nor a tombstone of what is rejected',
    faults: 2,
    kinds: ['operatorCrash', 'otherBinds'],
    expected: /^2: Rejected, and a session that is Prepared holds/u,
  },
  {
    rule: 'rejectedByTombstones',
    what: 'Rejected from memory',
    faults: 3,
    kinds: ['takeover', 'otherBinds', 'restored'],
    expected: /^2: Rejected, and a session that is Prepared holds/u,
    isLong: true,
  },
  {
    rule: 'sequence',
    what: 'no sequence, nor a tombstone of what is rejected',
    faults: 2,
    kinds: ['lost', 'otherBinds'],
    expected: /^2: Rejected, and a session that is Prepared holds/u,
  },
  {
    rule: 'tombstone',
    what: 'no tombstone',
    faults: 3,
    kinds: ['duplicate', 'deletion'],
    expected: /^2: the set is being quiesced after/u,
  },
  {
    rule: 'incarnation',
    what: 'no incarnation',
    faults: 1,
    kinds: ['brokerRestart'],
    expected: /^4: the target is active with a blank device/u,
  },
  {
    rule: 'verifyFirst',
    what: 'decision before the target has verified',
    faults: 0,
    kinds: [],
    expected: /^2: no way leads to an end/u,
  },
  {
    rule: 'stopUntilCommit',
    what: 'RunningP2P before the decision',
    faults: 1,
    kinds: ['deletion'],
    expected: /^1: /u,
  },
  {
    rule: 'barrierOnTheWayBack',
    what: 'barrier skipped on the way back',
    faults: 1,
    kinds: ['deletion'],
    expected: /^3: a source device/u,
  },
  {
    rule: 'abortRecordedFirst',
    what: 'thaw on Undecided',
    faults: 2,
    kinds: ['stalledWrite', 'deletion'],
    expected: /^1: /u,
  },
  {
    rule: 'promiseOutlivesTheAgent',
    what: 'promise broken by a restarted agent',
    faults: 1,
    kinds: ['agentCrash'],
    expected: /^1: /u,
  },
  {
    rule: 'revertOnlyFromTheJournal',
    what: 'Revert after activation',
    faults: 1,
    kinds: ['lost'],
    expected: /^1: /u,
  },
  {
    rule: 'totalsCompared',
    what: 'a segment that was replayed',
    faults: 1,
    kinds: ['replayed'],
    expected: /^4: the target runs on data of which a part arrived twice/u,
  },
  {
    rule: 'recordNeverGoesBack',
    what: 'a record that was restored',
    faults: 2,
    kinds: ['restored', 'deletion'],
    expected: /^1: /u,
  },
  {
    rule: 'endFencedOff',
    what: 'an end that lands late',
    faults: 2,
    kinds: ['stalledWrite', 'lost'],
    expected: /^2: Rejected/u,
  },
];
