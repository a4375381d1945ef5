import {
  AgentCallError,
  type AgentClient,
  type CommandReply,
  type EndQuarantineReply,
  type NodeDescription,
  type SessionSnapshot,
  unknownSession,
} from '@transship/node-agent/contract';

/** An error as a client throws it when nothing came back. */
export function callError(code: 'AgentUnreachable' | 'DeadlineExceeded' | 'Internal'): AgentCallError {
  return new AgentCallError(code, 'UNAVAILABLE', `it is ${code}`, null);
}

export function snapshot(agentInstance: string, version: number): SessionSnapshot {
  return { ...unknownSession('uid-1', 'source', agentInstance), version };
}

/** A client that does what its scripts say, one entry a call; the last entry is used again. */
export class FakeClient implements AgentClient {
  describes: (() => NodeDescription)[] = [];
  commands: (() => CommandReply)[] = [];
  observes: (() => AsyncIterable<SessionSnapshot>)[] = [];
  lists: (() => SessionSnapshot[])[] = [];
  recoveries: (() => EndQuarantineReply)[] = [];
  calls = 0;
  closed = false;

  async describe(_ids: readonly string[], signal: AbortSignal): Promise<NodeDescription> {
    return this.#next(this.describes, signal);
  }

  async command(_request: unknown, _waitMs: number, signal: AbortSignal): Promise<CommandReply> {
    return this.#next(this.commands, signal);
  }

  observe(_uid: string, _role: string, signal: AbortSignal): AsyncIterable<SessionSnapshot> {
    return this.#next(this.observes, signal);
  }

  async listSessions(_onlyBound: boolean, signal: AbortSignal): Promise<SessionSnapshot[]> {
    return this.#next(this.lists, signal);
  }

  async endQuarantine(_deviceId: string, _uid: string, signal: AbortSignal): Promise<EndQuarantineReply> {
    return this.#next(this.recoveries, signal);
  }

  close(): void {
    this.closed = true;
  }

  #next<Result>(script: (() => Result)[], signal: AbortSignal): Result {
    this.calls += 1;
    signal.throwIfAborted();
    const [entry] = script.length > 1 ? script.splice(0, 1) : script;
    if (entry === undefined) throw new Error('the test has no answer for this call');
    return entry();
  }
}
