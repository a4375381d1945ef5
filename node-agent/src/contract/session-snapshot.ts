import type { Role } from '../core/command.ts';
import type { SessionSnapshot } from '../core/snapshot.ts';

/** What an agent says of a migration it has never heard of: fence 0. */
export function unknownSession(uid: string, role: Role, agentInstance: string): SessionSnapshot {
  return {
    uid,
    role,
    fence: 0,
    sequence: 0,
    phase: 'Fenced',
    generation: 0,
    settled: true,
    error: null,
    devices: [],
    streams: [],
    ticket: '',
    decision: 'Undecided',
    quiesceTimeouts: 0,
    takesCommit: false,
    version: 0,
    agentInstance,
  };
}
