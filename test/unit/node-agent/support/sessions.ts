import type { Session } from '@transship/node-agent/internal/core/session';

/** A source session in pre-copy of two devices; each test changes what it is about. */
export function aSession(change: Partial<Session> = {}): Session {
  return {
    uid: 'uid-1',
    role: 'source',
    fence: 1,
    sequence: 1,
    operator: 'operator-1',
    phase: 'PreCopy',
    generation: 1,
    devices: [],
    ticket: 'ticket-of-uid-1-ticket-of-uid-1',
    pull: null,
    cameFromStop: false,
    decisionSeen: 'Undecided',
    error: null,
    quiesceTimeouts: 0,
    promised: [],
    ...change,
  };
}

export function aBoundDevice(id: string): Session['devices'][number] {
  return {
    id,
    incarnation: 'life 1',
    protocol: 'v1',
    p2p: true,
    preCopy: true,
    externals: '',
    lost: false,
    quarantined: false,
  };
}
