import type { Phase } from '@transship/crds';
import type { Observed, SessionView, SideView } from './observed.ts';

const sessionOf = (side: SideView): SessionView | null => (side.kind === 'session' ? side.session : null);

/** One word for people, derived anew each time; nothing is decided from it. `before`: what the record says. */
export function phaseOf({ record, source, target }: Observed, before: Phase): Phase {
  const s = sessionOf(source);
  const t = sessionOf(target);
  switch (record.decision) {
    case 'Abort':
    case 'Revert':
      return 'RollingBack';
    case 'Commit':
      return t?.phase === 'Active' ? 'Releasing' : 'Activating';
    case 'Undecided':
      // Between an answer that is missing and the next one, people keep the word they had.
      if (s === null) return before === 'Pending' ? 'Preparing' : before;
      return undecidedPhase(s, t);
  }
}

function undecidedPhase(s: SessionView, t: SessionView | null): Phase {
  switch (s.phase) {
    case 'PreCopying':
    case 'PreCopy':
      return 'PreCopy';
    case 'Quiescing':
    case 'Quiesced':
    case 'Unquiescing':
      return 'Quiescing';
    case 'Stopping':
      return 'StopCopy';
    case 'Stopped':
      return t?.phase === 'Verifying' || t?.phase === 'Verified' ? 'Verifying' : 'StopCopy';
    case 'RollingBack':
    case 'Restarting':
    case 'RolledBack':
      return 'RollingBack';
    default:
      return 'Preparing';
  }
}
