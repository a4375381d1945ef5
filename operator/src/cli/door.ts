import type { EndpointSource } from '../agents/pool.ts';
import type { RecoveryPorts } from '../recover/ports.ts';

/** Records and endpoints, for a program that runs once. */
export interface CliDoor extends EndpointSource {
  readonly store: RecoveryPorts['store'];
  readonly find: RecoveryPorts['find'];
  /** Nodes that the door knows an agent of. */
  readonly nodes: () => readonly string[];
  /** Lets this process write. @throws DoorClosedError when somebody else must let go first. */
  enter(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Somebody else writes the records now. */
export class DoorClosedError extends Error {
  override readonly name = 'DoorClosedError';
}
