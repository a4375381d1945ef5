/** Drives one migration by hand, command by command, over the agents' contract: what an operator would send. */
import type {
  AgentClient,
  CommandReply,
  Decision,
  Role,
  SessionSnapshot,
  SourceCommand,
  TargetCommand,
} from '@transship/node-agent/contract';
import { eventually } from './managed-process.ts';

export interface Shore {
  readonly client: AgentClient;
  readonly node: string;
  readonly endpoint: string;
  readonly devices: readonly string[];
}

/** To end a test that fails, with what it was waiting for. */
const WAIT_MS = 60_000;
const CALL_TIMEOUT_MS = 2 * WAIT_MS;

/** One migration of a set, as its only operator. Every step rejects when it is refused or does not get there. */
export class Voyage {
  readonly uid: string;
  readonly #source: () => Shore;
  readonly #target: () => Shore;
  fence = 1;
  operator = 'operator-of-the-test';
  #sequence = 0;

  constructor(uid: string, source: () => Shore, target: () => Shore) {
    this.uid = uid;
    this.#source = source;
    this.#target = target;
  }

  get source(): Shore {
    return this.#source();
  }

  get target(): Shore {
    return this.#target();
  }

  /** Sends one command and returns the answer, refused or not. */
  send(role: Role, command: SourceCommand | TargetCommand, waitMs = WAIT_MS): Promise<CommandReply> {
    this.#sequence += 1;
    const header = { uid: this.uid, fence: this.fence, sequence: this.#sequence, operator: this.operator };
    const { client } = role === 'source' ? this.source : this.target;
    return client.command({ header, role, command }, waitMs, AbortSignal.timeout(CALL_TIMEOUT_MS));
  }

  /** Sends one command that must be obeyed and must settle in `phase`. */
  async order(
    role: Role,
    command: SourceCommand | TargetCommand,
    phase: SessionSnapshot['phase'],
  ): Promise<SessionSnapshot> {
    const { session, refusal } = await this.send(role, command);
    if (refusal !== null || session.phase !== phase || session.error !== null) {
      const found = JSON.stringify({
        refusal,
        phase: session.phase,
        error: session.error,
        devices: session.devices,
      });
      throw new Error(`${role} ${command.kind} did not lead to ${phase}: ${found}`);
    }
    return session;
  }

  /** Binds both sides; the target pulls from here on. */
  async prepare(generation: number, bandwidthLimit = 0): Promise<void> {
    const { devices, endpoint, node } = this.source;
    const { ticket } = await this.order('source', { kind: 'prepare', generation, devices }, 'Prepared');
    await this.prepareTarget(generation, { endpoint, node, ticket, bandwidthLimit });
  }

  async prepareTarget(
    generation: number,
    pull: { endpoint: string; node: string; ticket: string; bandwidthLimit: number },
  ): Promise<void> {
    const { devices } = this.target;
    const { session, refusal } = await this.send('target', { kind: 'prepare', generation, devices, pull }, 0);
    if (refusal !== null) throw new Error(`target prepare was refused: ${JSON.stringify(refusal)}`);
    if (session.phase !== 'Loading') await this.reach('target', 'Loading');
  }

  /** Runs pre-copy until less than `bytes` are left to be sent. */
  async preCopy(generation: number, bytes: number): Promise<void> {
    await this.order('source', { kind: 'preCopy', generation }, 'PreCopy');
    await this.converge(bytes);
  }

  /** Waits until less than `bytes` are left to be sent. */
  async converge(bytes: number): Promise<void> {
    await this.until('source', 'pre-copy converged', ({ streams }) => {
      const moved = streams.reduce((sum, { totals }) => sum + totals.bytes, 0);
      const left = streams.reduce((sum, { pendingBytes }) => sum + pendingBytes, 0);
      return moved > 0 && left < bytes;
    });
  }

  /** Freeze, barrier A, stop, drain: the source has promised. */
  async stop(generation: number, timeoutMs = WAIT_MS): Promise<SessionSnapshot> {
    await this.order('source', { kind: 'quiesce', timeoutMs, waitOnTimeout: false }, 'Quiesced');
    return this.order('source', { kind: 'stop', generation }, 'Stopped');
  }

  /** The target has promised, on the totals of the source. */
  async verify(stopped: SessionSnapshot): Promise<void> {
    await this.until('target', 'every stream arrived', ({ streams }) => streams.every(({ ended }) => ended));
    const expected = stopped.streams.map(({ totals }) => totals);
    await this.order('target', { kind: 'verify', generation: stopped.generation, expected }, 'Verified');
  }

  async commit(decision: Decision = 'Commit'): Promise<void> {
    await this.order('target', { kind: 'activate', decision }, 'Active');
    await this.order('source', { kind: 'release', decision }, 'Released');
  }

  reach(role: Role, phase: SessionSnapshot['phase']): Promise<SessionSnapshot> {
    return this.until(role, `phase ${phase}`, (session) => session.phase === phase);
  }

  /** The next snapshot that satisfies the condition, as it is observed. */
  async until(
    role: Role,
    what: string,
    satisfies: (session: SessionSnapshot) => boolean,
    deadlineMs = WAIT_MS,
  ): Promise<SessionSnapshot> {
    const deadline = AbortSignal.timeout(deadlineMs);
    let last: SessionSnapshot | null = null;
    return eventually(`${role}: ${what}`, deadlineMs, async () => {
      const { client } = role === 'source' ? this.source : this.target;
      try {
        for await (const session of client.observe(this.uid, role, deadline)) {
          last = session;
          if (satisfies(session)) return session;
        }
      } catch (error) {
        if (deadline.aborted)
          throw new Error(`${role}: ${what}: not within ${deadlineMs} ms: ${JSON.stringify(last)}`);
        // The agent went away; it is asked again.
        void error;
      }
      return null;
    });
  }
}
