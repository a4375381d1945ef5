import type { CommandHeader, SourceCommand, TargetCommand } from './command.ts';
import { fail } from './draft.ts';
import type { Failure, Session } from './session.ts';

export type Admission =
  | { readonly kind: 'execute' }
  /** An equal pair: answer from the journal, act on nothing. */
  | { readonly kind: 'repeat' }
  | { readonly kind: 'refuse'; readonly failure: Failure };

/**
 * The command gate (design: fence). A lower pair is from the past; an equal fence from another operator
 * instance means two processes believe they hold it, and the one that came second is refused. Only `attach` begins a
 * session: whatever else names another one than this is from before a journal was lost, and what it was to do was done.
 */
export function admit(
  session: Session | null,
  header: CommandHeader,
  kind: (SourceCommand | TargetCommand)['kind'],
): Admission {
  if (kind !== 'attach' && isForAnother(session?.ticket ?? null, header.ticket ?? ''))
    return refuse(
      'StaleSequence',
      `${kind} is for a session that this agent's journal does not know (any more)`,
    );
  if (session === null || header.fence > session.fence) return { kind: 'execute' };
  if (header.fence < session.fence) {
    return refuse('StaleFence', `fence ${header.fence} is older than ${session.fence}, which was accepted`);
  }
  if (header.operator !== session.operator) {
    return refuse('FenceConflict', `fence ${header.fence} was accepted from operator ${session.operator}`);
  }
  if (header.sequence < session.sequence) {
    return refuse('StaleSequence', `sequence ${header.sequence} is older than ${session.sequence}`);
  }
  return { kind: header.sequence === session.sequence ? 'repeat' : 'execute' };
}

/** One that is not told, or that an earlier version left without a name, is this one. */
const isForAnother = (ticket: string | null, meant: string): boolean =>
  meant !== '' && meant !== ticket && ticket !== '';

const refuse = (code: string, message: string): Admission => ({
  kind: 'refuse',
  failure: fail(code, message),
});
