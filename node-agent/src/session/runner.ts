import { isDeepStrictEqual } from 'node:util';
import { sleep, within } from '../clock.ts';
import type { Clock } from '../clock.ts';
import type { CommandReply, CommandRequest } from '../contract/command-request.ts';
import { unknownSession } from '../contract/session-snapshot.ts';
import type { Role } from '../core/command.ts';
import type { AgentEvent, Observation } from '../core/effects.ts';
import { bindsDevices } from '../core/phase.ts';
import type { AgentState, Failure, Session } from '../core/session.ts';
import { settled, view } from '../core/snapshot.ts';
import type { SessionSnapshot } from '../core/snapshot.ts';
import { step } from '../core/step.ts';
import { SessionEffects, messageOf } from './effects.ts';
import type { EffectOptions } from './effects.ts';
import { Latest } from './latest.ts';
import { devicesOf, observe, stateOfWorkload } from './observation.ts';
import type { SessionPorts } from './ports.ts';

export interface RunnerOptions extends EffectOptions {
  /** Of this agent process; with the version it orders snapshots. */
  readonly agentInstance: string;
}

/** The session takes no more: the agent is going down, or its journal cannot be written and too much waits. */
export class SessionUnavailable extends Error {
  override readonly name = 'SessionUnavailable';
}

/** Commands that wait in one session while the journal cannot be written; one operator sends one at a time. */
const MAX_WAITING_COMMANDS = 16;
/** How much longer than a command's own wait an unwritable journal may hold it, ms. */
const JOURNAL_PATIENCE_MS = 5_000;
const UNWRITABLE =
  'the journal of the agent cannot be written; nothing was done: free space in its state directory';
const LATE =
  'the session did not take the command in time, so it may not have been done: send it again; where the journal of the agent cannot be written, free space in its state directory';
const NEVER = new AbortController().signal;
/** Events that say all over again how things stand. */
const REPEATED: ReadonlySet<AgentEvent['kind']> = new Set(['streams', 'operatorLost']);
const JOURNAL_RETRY_MS = { first: 100, most: 5_000 };

/**
 * One session: takes commands and events one at a time through the pure transition, makes the new state durable,
 * and only then lets its effects run and anybody hear of it.
 */
export class SessionRunner {
  readonly uid: string;
  readonly #ports: SessionPorts;
  readonly #clock: Clock;
  readonly #effects: SessionEffects;
  readonly #latest: Latest<SessionSnapshot>;
  readonly #stopping = new AbortController();
  #state: AgentState | null;
  /** The state that is being made durable: it binds devices already. */
  #next: AgentState | null = null;
  #tail: Promise<unknown> = Promise.resolve();
  #waitingCommands = 0;
  /** Events of these kinds that wait for their turn. */
  readonly #newest = new Map<AgentEvent['kind'], AgentEvent>();
  #observers = 0;
  #lastContact: number;

  constructor(
    uid: string,
    role: Role,
    state: AgentState | null,
    ports: SessionPorts,
    clock: Clock,
    options: RunnerOptions,
  ) {
    this.uid = uid;
    this.#state = state;
    this.#ports = ports;
    this.#clock = clock;
    this.#lastContact = clock.now();
    this.#latest = new Latest(unknownSession(uid, role, options.agentInstance));
    const host = {
      clock,
      post: (event: AgentEvent): void => this.post(event),
      fence: (): number => this.#state?.session.fence ?? 0,
    };
    this.#effects = new SessionEffects(ports, host, options);
    this.#publish();
  }

  /** As it is durable; null while the migration is unknown. */
  get state(): AgentState | null {
    return this.#state;
  }

  /** The session as it binds devices: the newest, durable or about to be. */
  get session(): Session | null {
    return (this.#next ?? this.#state)?.session ?? null;
  }

  /** A command waits for its turn or has it. */
  get isTaking(): boolean {
    return this.#waitingCommands > 0;
  }

  get snapshot(): SessionSnapshot {
    return this.#latest.value;
  }

  /**
   * How long no operator has been heard of, ms; 0 while one observes. Of a set that stands frozen before its stop it must
   * be an order: one that looks on and cannot write its record down would hold the workload up for as long as that takes.
   */
  get silence(): number {
    const isSeen = this.#observers > 0 && this.session?.phase !== 'Quiesced';
    return isSeen ? 0 : this.#clock.now() - this.#lastContact;
  }

  /**
   * Obeys or refuses one command and waits until the session has settled, at most `waitMs`.
   * @throws SessionUnavailable when the agent is going down or cannot write its journal.
   */
  async command(request: CommandRequest, waitMs: number, signal: AbortSignal): Promise<CommandReply> {
    this.#lastContact = this.#clock.now();
    if (this.#waitingCommands >= MAX_WAITING_COMMANDS) throw new SessionUnavailable('too many commands wait');
    const refusal = await this.#admitted(request, waitMs);
    if (refusal === null && waitMs > 0) await this.#settledWithin(waitMs, signal);
    return { session: this.snapshot, refusal };
  }

  /**
   * Hands an event in; it is taken in turn. Nothing happens after stop(). Of what comes again and again only the newest
   * waits, so that nothing piles up while the journal cannot be written.
   */
  post(event: AgentEvent): void {
    if (!REPEATED.has(event.kind)) {
      this.postLater(() => Promise.resolve(event));
      return;
    }
    const isQueued = this.#newest.has(event.kind);
    this.#newest.set(event.kind, event);
    if (isQueued) return;
    this.postLater(() => {
      const newest = this.#newest.get(event.kind) ?? null;
      this.#newest.delete(event.kind);
      return Promise.resolve(newest);
    });
  }

  /** Hands in an event that is made when its turn has come; null when it is of no interest by then. */
  postLater(make: () => Promise<AgentEvent | null>): void {
    const taken = this.#inTurn(async () => {
      const event = await make();
      if (event !== null) await this.#transition(event);
    });
    taken.catch((error: unknown) => {
      if (!this.#stopping.signal.aborted) {
        this.#ports.log.error(
          { uid: this.uid, error: messageOf(error) },
          'an event of a session was not taken',
        );
      }
    });
  }

  /** Tells the session that this process found it in the journal. Resolves when it has been taken in. */
  async restart(): Promise<void> {
    await this.#inTurn(async () => {
      const ids = this.#state?.session.devices.map((device) => device.id) ?? [];
      const look = await observe(this.#ports, this.#clock, this.uid, this.#state, ids, null);
      const workload = await stateOfWorkload(this.#ports.workloads, ids);
      await this.#transition({ kind: 'restarted', observed: { ...look(), workload } });
    });
  }

  /** Snapshots for one observer, the present one first. */
  async *watch(signal: AbortSignal): AsyncGenerator<SessionSnapshot, void> {
    this.#observers += 1;
    try {
      yield* this.#latest.watch(AbortSignal.any([signal, this.#stopping.signal]));
    } finally {
      this.#observers -= 1;
      this.#lastContact = this.#clock.now();
    }
  }

  /** Operations that the device of this index has been given so far. */
  operations(device: number): number {
    return this.#effects.operations(device);
  }

  /** Runs `last` in turn and takes nothing after it, unless the answer is that the session stays. */
  async retire(last: () => Promise<boolean>): Promise<void> {
    await this.#inTurn(async () => {
      if (await last()) this.stop();
    });
  }

  /**
   * A person has brought a device back by RESET: a session that has ended says no longer that it is withheld. Tried once.
   * Rejects when that cannot be written.
   */
  async broughtBack(deviceId: string): Promise<void> {
    await this.#inTurn(async () => {
      const state = this.#state;
      if (state === null || !holdsBack(state.session, deviceId)) return;
      const devices = state.session.devices.map((device) =>
        device.id === deviceId ? { ...device, quarantined: false } : device,
      );
      const session = { ...state.session, devices };
      await this.#ports.store.write(session);
      this.#state = { ...state, session };
      this.#publish();
    });
  }

  /** Takes no event any more and leaves devices and journal as they are. */
  stop(): void {
    this.#stopping.abort();
    this.#effects.stop();
  }

  async #admitted(request: CommandRequest, waitMs: number): Promise<Failure | null> {
    this.#waitingCommands += 1;
    const givenUp = new AbortController();
    const taken = this.#inTurn(() => this.#obey(request, givenUp.signal)).finally(() => {
      this.#waitingCommands -= 1;
    });
    const late = Symbol('late');
    const outcome = await within(this.#clock, waitMs + JOURNAL_PATIENCE_MS, taken, late);
    if (outcome === late) {
      givenUp.abort();
      taken.catch(() => undefined);
      throw new SessionUnavailable(LATE);
    }
    return outcome as Failure | null;
  }

  /** `givenUp`: its sender waits no longer. What was not begun by then is not done; what is being written goes on. */
  async #obey(request: CommandRequest, givenUp: AbortSignal): Promise<Failure | null> {
    if (givenUp.aborted) throw new SessionUnavailable(LATE);
    const { header, role, command } = request;
    const ids = devicesOf(this.#state, command);
    const look = await observe(this.#ports, this.#clock, this.uid, this.#state, ids, request);
    if (givenUp.aborted) throw new SessionUnavailable(LATE);
    const observed: Observation = look();
    const event = { kind: 'command', header, role, command, observed } as const;
    const { refusal } = await this.#transition(event, givenUp);
    const facts = {
      uid: this.uid,
      role,
      command: command.kind,
      fence: header.fence,
      sequence: header.sequence,
    };
    if (refusal === null) this.#ports.log.info(facts, 'command taken');
    else this.#ports.log.warn({ ...facts, refusal }, 'command refused');
    return refusal;
  }

  async #transition(event: AgentEvent, givenUp: AbortSignal = NEVER): Promise<{ refusal: Failure | null }> {
    const before = this.#state;
    const { state, effects, refusal } = step(before, event);
    if (state === null) return { refusal };
    this.#next = state;
    try {
      if (state.session !== before?.session) await this.#makeDurable(state.session, givenUp);
      this.#state = state;
    } finally {
      this.#next = null;
    }
    this.#publish();
    this.#logChange(before, state);
    this.#effects.run(effects, state);
    if (before?.session.phase !== state.session.phase) this.#entered(state.session.phase);
    return { refusal };
  }

  #entered(phase: Session['phase']): void {
    this.#ports.streams.review(this.uid);
    // The operator hears of it only now, however long the barrier took.
    if (phase === 'Quiesced') this.#lastContact = this.#clock.now();
  }

  /**
   * Tries until it works: nothing may happen before, and what happened must not be forgotten. A command that is given up
   * meanwhile is dropped as if it had not come, but only when no attempt can have left its record behind.
   */
  async #makeDurable(session: Session, givenUp: AbortSignal): Promise<void> {
    let mayBeWritten = false;
    for (let delay = JOURNAL_RETRY_MS.first; ; delay = Math.min(2 * delay, JOURNAL_RETRY_MS.most)) {
      this.#throwIfStopping();
      try {
        await this.#ports.store.write(session);
        this.#throwIfStopping();
        return;
      } catch (error) {
        this.#throwIfStopping();
        mayBeWritten ||= (error as Partial<Error>).name !== 'RecordUnchanged';
        this.#ports.log.error({ uid: this.uid, error: messageOf(error) }, 'the journal cannot be written');
      }
      if (givenUp.aborted && !mayBeWritten) throw new SessionUnavailable(UNWRITABLE);
      const wait = AbortSignal.any([this.#stopping.signal, givenUp]);
      await sleep(
        this.#clock,
        delay * (0.5 + Math.random() / 2),
        wait.aborted ? this.#stopping.signal : wait,
      );
    }
  }

  #publish(): void {
    if (this.#state === null) return;
    const { version, agentInstance, ...shown } = this.#latest.value;
    const now = view(this.#state);
    if (version > 0 && isDeepStrictEqual(shown, now)) return;
    this.#latest.set({ ...now, version: version + 1, agentInstance });
  }

  #logChange(before: AgentState | null, { session }: AgentState): void {
    const facts = { uid: this.uid, phase: session.phase, generation: session.generation };
    if (before?.session.phase !== session.phase) this.#ports.log.info(facts, 'session phase');
    const { error } = session;
    if (error !== null && before?.session.error !== error)
      this.#ports.log.warn({ ...facts, error }, 'session error');
  }

  async #settledWithin(waitMs: number, signal: AbortSignal): Promise<void> {
    const giveUp = new AbortController();
    const until = sleep(this.#clock, waitMs, AbortSignal.any([signal, giveUp.signal, this.#stopping.signal]));
    let waiting = true;
    const ended = until.then(() => {
      waiting = false;
    });
    while (waiting && this.#state !== null && !settled(this.#state)) {
      await Promise.race([this.#latest.changed(), ended]);
    }
    giveUp.abort();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(() => {
      this.#throwIfStopping();
      return work();
    });
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  #throwIfStopping(): void {
    if (this.#stopping.signal.aborted) throw new SessionUnavailable('the agent is going down');
  }
}

/** An ended session that could not reset this device. */
const holdsBack = ({ phase, devices }: Session, deviceId: string): boolean =>
  !bindsDevices(phase) && devices.some(({ id, quarantined }) => id === deviceId && quarantined);
