import { every } from '../clock.ts';
import type { Clock } from '../clock.ts';
import type { CommandReply, CommandRequest } from '../contract/command-request.ts';
import { failure } from '../contract/failure.ts';
import { unknownSession } from '../contract/session-snapshot.ts';
import { freshLive } from '../core/bind.ts';
import type { Role } from '../core/command.ts';
import type { Observation } from '../core/effects.ts';
import { bindsDevices, isTombstone } from '../core/phase.ts';
import type { Failure, Session } from '../core/session.ts';
import type { SessionSnapshot } from '../core/snapshot.ts';
import type { MigratableDevice } from '../device/port.ts';
import type { Journal, RefusedFile } from '../journal/journal.ts';
import type { JournalRecord } from '../journal/record.ts';
import { expired } from '../journal/retention.ts';
import type { Retention } from '../journal/retention.ts';
import { messageOf } from './effects.ts';
import { Quarantine } from './quarantine.ts';
import { failedResets, quarantineAtStart } from './quarantine-start.ts';
import type { QuarantineEntry, QuarantineList, QuarantineStore, StoredQuarantine } from './quarantine.ts';
import type { Bindings, SessionPorts } from './ports.ts';
import { Recovery } from './recovery.ts';
import { SessionRunner } from './runner.ts';
import type { RunnerOptions } from './runner.ts';

export interface RegistryOptions extends RunnerOptions {
  readonly retention: Retention;
}

const NOTHING_SEEN: Observation = { devices: [], workload: 'unknown', workloadDevices: [], ticket: '' };

const failedToReset = (session: Session | null, deviceId: string): boolean =>
  session !== null && session.devices.some(({ id, quarantined }) => id === deviceId && quarantined);

const isOfMonitor = ({ unfit }: MigratableDevice): boolean => unfit?.code === 'OwnedByVmm';

const COLLECT_INTERVAL_MS = 24 * 60 * 60 * 1000;

/** All sessions of this agent, who holds which device, and which devices nobody may have. */
export class SessionRegistry implements Bindings {
  readonly quarantine: Quarantine;
  readonly #recovery: Recovery;
  readonly #journal: Journal;
  readonly #ports: SessionPorts;
  readonly #clock: Clock;
  readonly #options: RegistryOptions;
  readonly #runners = new Map<string, SessionRunner>();
  readonly #refused = new Map<string, RefusedFile>();
  /** Since when every look of this process has found a session too old to be kept, monotonic ms. */
  readonly #overSince = new Map<string, number>();

  constructor(
    journal: Journal,
    quarantine: QuarantineStore,
    ports: Omit<SessionPorts, 'store' | 'bindings'>,
    clock: Clock,
    options: RegistryOptions,
  ) {
    this.#journal = journal;
    this.quarantine = new Quarantine(quarantine);
    this.#ports = { ...ports, store: { write: (session) => this.#write(session) }, bindings: this };
    this.#clock = clock;
    this.#options = options;
    const { devices, workloads, log } = ports;
    const held = { quarantine: this.quarantine, bindings: this };
    const broughtBack = async (deviceId: string): Promise<void> => {
      const withholding = this.runners.filter(({ session }) => failedToReset(session, deviceId));
      await Promise.all(withholding.map((runner) => runner.broughtBack(deviceId)));
    };
    this.#recovery = new Recovery({ devices, workloads, ...held, broughtBack, clock, log });
  }

  get runners(): readonly SessionRunner[] {
    return [...this.#runners.values()];
  }

  /** Snapshots of all sessions, or of those that hold devices, in the order of their UIDs. */
  list(onlyBound: boolean): SessionSnapshot[] {
    const known = this.runners.filter(({ session }) => session !== null);
    const wanted = known.filter(({ session }) => !onlyBound || bindsDevices(session?.phase ?? 'Fenced'));
    return wanted.map(({ snapshot }) => snapshot).toSorted((a, b) => (a.uid < b.uid ? -1 : 1));
  }

  /** The session of a migration as it is durable; null when there is none. */
  session(uid: string): Session | null {
    return this.#runners.get(uid)?.state?.session ?? null;
  }

  /** What the agent says of a migration now; of one that it has never heard of, a session with fence 0. */
  snapshot(uid: string): SessionSnapshot {
    const { agentInstance } = this.#options;
    return this.#runners.get(uid)?.snapshot ?? unknownSession(uid, 'source', agentInstance);
  }

  boundBy(deviceId: string, uid: string): string | null {
    for (const { session } of this.#runners.values()) {
      if (session === null || session.uid === uid || !bindsDevices(session.phase)) continue;
      if (session.devices.some((device) => device.id === deviceId)) return session.uid;
    }
    return null;
  }

  quarantined(deviceId: string): boolean {
    return this.quarantine.entry(deviceId) !== null;
  }

  /** Why nobody may have the device; null when there is no such reason. */
  whyQuarantined(deviceId: string): QuarantineEntry | null {
    return this.quarantine.entry(deviceId);
  }

  /** Brings a device out of quarantine, see Recovery. */
  endQuarantine(deviceId: string, uid: string): Promise<Failure | null> {
    return this.#recovery.end(deviceId, uid);
  }

  /**
   * Reads the journal and lets every session of it find its place in the world again. Afterwards a device that
   * is not Running and belongs to no session is in quarantine: something happened to it that nobody wrote down.
   */
  async recover(): Promise<void> {
    const { records, refused } = await this.#journal.load();
    await this.#beginQuarantine(records, refused);
    for (const { session } of records) {
      const live = freshLive(session.devices, NOTHING_SEEN);
      this.#runners.set(session.uid, this.#createRunner(session.uid, session.role, { session, live }));
    }
    await this.#collect();
    // A tombstone has nothing to find out, and there are many: nobody is asked anything on their account.
    const alive = this.runners.filter(({ session }) => session !== null && !isTombstone(session.phase));
    await Promise.all(alive.map((runner) => runner.restart()));
    await Promise.all(this.#ports.devices.all.map((device) => this.assess(device.id)));
  }

  /**
   * Looks at a device nobody has looked at since the start; puts it into quarantine when it must be. What a monitor has is
   * looked at when it has let go: it may be moving the device itself.
   */
  async assess(deviceId: string): Promise<void> {
    const device = this.#ports.devices.get(deviceId);
    if (device === null || this.quarantine.assessed(deviceId)) return;
    const ownerBefore = this.boundBy(deviceId, '');
    const hadMonitor = isOfMonitor(device);
    const { state } = await device.observe();
    if (hadMonitor || isOfMonitor(device)) return;
    // A session may have begun or ended, its device reset, since that answer was true.
    const owner = ownerBefore ?? this.boundBy(deviceId, '');
    try {
      const entry = await this.quarantine.assess(deviceId, state, owner, this.#clock.wallNow());
      if (entry !== null) this.#ports.log.error({ ...entry }, 'device is in quarantine');
    } catch (error) {
      this.#ports.log.error({ deviceId, error: messageOf(error) }, 'the quarantine cannot be written');
    }
  }

  /** @throws SessionUnavailable */
  async command(request: CommandRequest, waitMs: number, signal: AbortSignal): Promise<CommandReply> {
    const { uid } = request.header;
    const refused = this.#refused.get(uid);
    if (refused !== undefined) {
      const message = `the journal of migration ${uid} cannot be used (${refused.why}); it is kept as ${refused.path}`;
      const session = unknownSession(uid, request.role, this.#options.agentInstance);
      return { session, refusal: failure('JournalRefused', message) };
    }
    return this.#runner(uid, request.role).command(request, waitMs, signal);
  }

  /** Snapshots of one session; of an unknown migration one with fence 0, and the rest once it is known. */
  async *watch(uid: string, role: Role, signal: AbortSignal): AsyncGenerator<SessionSnapshot, void> {
    const runner = this.#runner(uid, role);
    try {
      yield* runner.watch(signal);
    } finally {
      // A command that is being taken makes it a session at any moment: there must be no second runner then.
      if (runner.session === null && runner.silence > 0 && !runner.isTaking) this.#runners.delete(uid);
    }
  }

  /** Forgets sessions that ended long ago, once a day until aborted. */
  async collectDaily(signal: AbortSignal): Promise<void> {
    await every(this.#clock, COLLECT_INTERVAL_MS, signal, () => this.#collect());
  }

  /** Takes no command and no event any more; devices and journal stay as they are. */
  stop(): void {
    for (const runner of this.runners) runner.stop();
  }

  /** A device whose RESET has failed is withheld durably before its session says so to anybody. */
  async #write(session: Session): Promise<void> {
    const known = this.session(session.uid)?.devices ?? [];
    for (const entry of failedResets(session, this.#clock.wallNow())) {
      const isNew = !known.some(({ id, quarantined }) => id === entry.deviceId && quarantined);
      if (isNew) await this.quarantine.add(entry);
    }
    await this.#journal.write(session);
  }

  async #beginQuarantine(records: readonly JournalRecord[], refused: readonly RefusedFile[]): Promise<void> {
    const stored = await this.quarantine.load();
    if (stored.kind === 'unreadable') {
      const { path, why } = stored;
      this.#ports.log.error({ path, why }, 'the quarantine cannot be read: every device is withheld');
    }
    const sessions = records.map(({ session }) => session);
    const devices = this.#ports.devices.all.map(({ id }) => id);
    const now = this.#clock.wallNow();
    const list = quarantineAtStart({ stored, sessions, refused, devices, now });
    for (const entry of list.entries) this.#ports.log.error({ ...entry }, 'device is in quarantine');
    const isSetAside = await this.#keep(list, stored, refused);
    for (const found of refused) {
      const file = isSetAside ? found : { ...found, path: found.foundAt };
      this.#refused.set(file.uid, file);
      this.#ports.log.error(
        { ...file },
        'a journal file was refused and is kept; its migration is refused too',
      );
    }
  }

  /**
   * Refused files are set aside when what they withhold is durable: until then the next start must find them as news. A
   * disk that is full keeps nobody from being served.
   */
  async #keep(
    list: QuarantineList,
    stored: StoredQuarantine,
    refused: readonly RefusedFile[],
  ): Promise<boolean> {
    try {
      await this.quarantine.begin(list, stored);
      await this.#journal.setAside(refused);
      return true;
    } catch (error) {
      this.#ports.log.error({ error: messageOf(error) }, 'the quarantine cannot be written');
      return false;
    }
  }

  async #collect(): Promise<void> {
    await Promise.all(this.#expired().map((uid) => this.#forget(uid)));
  }

  async #forget(uid: string): Promise<void> {
    await this.#runners.get(uid)?.retire(async () => {
      if (!this.#expired().includes(uid)) return false;
      await this.#journal.remove(uid);
      this.#runners.delete(uid);
      this.#overSince.delete(uid);
      this.#ports.log.info({ uid }, 'an ended session was forgotten');
      return true;
    });
  }

  #expired(): string[] {
    const records = this.runners.flatMap(({ session }) => {
      const writtenAt = session === null ? null : this.#journal.writtenAt(session.uid);
      return session === null || writtenAt === null ? [] : [{ session, writtenAt }];
    });
    const mayGo = records.filter(({ session }) => !this.#isWitness(session));
    const looksOld = new Set<string>();
    const mayBeOld = (uid: string): boolean => {
      looksOld.add(uid);
      return this.#hasBeenOverForADay(uid);
    };
    const found = expired(mayGo, this.#clock.wallNow(), this.#options.retention, mayBeOld);
    // What looked old by a clock that was set right since must wait its day again when the clock jumps once more.
    for (const uid of this.#overSince.keys()) if (!looksOld.has(uid)) this.#overSince.delete(uid);
    return found;
  }

  /**
   * By the time that this process has lived through: the clock on the wall may jump by years, as when a machine starts with
   * a wrong one, and must not take every tombstone with it at once.
   */
  #hasBeenOverForADay(uid: string): boolean {
    const now = this.#clock.now();
    const since = this.#overSince.get(uid) ?? now;
    this.#overSince.set(uid, since);
    return now - since >= COLLECT_INTERVAL_MS;
  }

  /** A version that keeps no list knows by the session alone that its device is withheld. */
  #isWitness({ uid, devices }: Session): boolean {
    return devices.some(({ id, quarantined }) => quarantined && this.quarantine.entry(id)?.uid === uid);
  }

  #runner(uid: string, role: Role): SessionRunner {
    const known = this.#runners.get(uid);
    if (known !== undefined) return known;
    const created = this.#createRunner(uid, role, null);
    this.#runners.set(uid, created);
    return created;
  }

  #createRunner(
    uid: string,
    role: Role,
    state: ConstructorParameters<typeof SessionRunner>[2],
  ): SessionRunner {
    return new SessionRunner(uid, role, state, this.#ports, this.#clock, this.#options);
  }
}
