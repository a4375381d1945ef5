import type { CommandHeader, Role, SourceCommand, TargetCommand } from '../core/command.ts';
import type { Failure } from '../core/session.ts';
import type { SessionSnapshot } from '../core/snapshot.ts';

/** One fenced command to the session of one migration on one node. */
export interface CommandRequest {
  readonly header: CommandHeader;
  readonly role: Role;
  readonly command: SourceCommand | TargetCommand;
}

/** A refused command changed nothing: `session` is then as it was. */
export interface CommandReply {
  readonly session: SessionSnapshot;
  readonly refusal: Failure | null;
}
