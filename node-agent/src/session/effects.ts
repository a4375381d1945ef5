import type { DeviceState } from '../core/device-state.ts';
import type { AgentEvent, Effect } from '../core/effects.ts';
import type { AgentState, Failure, Session } from '../core/session.ts';
import type { Clock } from '../clock.ts';
import { failure } from '../contract/failure.ts';
import { AfterReset, DeviceFailure } from '../device/port.ts';
import type { MigratableDevice } from '../device/port.ts';
import { WorkloadGone, freezeIdOf, savingIdOf } from '../workload/freezer.ts';
import type { Freezer } from '../workload/freezer.ts';
import { stateOfWorkload } from './observation.ts';
import type { Loading, Saving, SessionPorts, StreamListener } from './ports.ts';
import { idsOf, lostOf, mayBeOfAnother, refuseAnother, thaw } from './workload-orders.ts';
import type { WorkloadOp } from './workload-orders.ts';

export interface EffectOptions {
  /** After this long an operation on a device is reported as overdue, ms. It stays the only one. */
  readonly operationTimeoutMs: number;
}

interface Host {
  readonly clock: Clock;
  post(event: AgentEvent): void;
  /** Highest fence accepted so far. */
  fence(): number;
}

/** Does what transitions of one session order, on the ports, and reports each outcome as an event. */
export class SessionEffects {
  readonly #ports: SessionPorts;
  readonly #host: Host;
  readonly #options: EffectOptions;
  #saving: { readonly generation: number; readonly streams: Saving } | null = null;
  /** `streams` is null while the workload is still being told to expect a state. */
  #loading: { streams: Loading | null } | null = null;
  #disarm = (): void => undefined;
  /** Grows with every operation on a device, by its index. */
  readonly #operations = new Map<number, number>();
  /** Resets that have ended, by the index of the device. */
  readonly #resets = new Map<number, number>();

  constructor(ports: SessionPorts, host: Host, options: EffectOptions) {
    this.#ports = ports;
    this.#host = host;
    this.#options = options;
  }

  /** Starts everything, in order; waits for nothing. */
  run(effects: readonly Effect[], { session }: AgentState): void {
    for (const effect of effects) this.#start(effect, session);
  }

  /** How many operations a device of the session has been given: an observation taken between two is stale. */
  operations(device: number): number {
    return this.#operations.get(device) ?? 0;
  }

  /** Ends streams and timers, so that nothing new reaches a device. Operations that are out stay out. */
  stop(): void {
    this.#disarm();
    this.#endSaving();
    this.#endLoading();
  }

  #start(effect: Effect, session: Session): void {
    switch (effect.kind) {
      case 'arc':
        void this.#arc(session, effect.device, effect.to);
        break;
      case 'reset':
        void this.#reset(session, effect.device, effect.restore);
        break;
      case 'freeze':
        void this.#control(session, 'freeze', 'FreezeFailed', (workload) =>
          workload.freeze(freezeIdOf(session.uid)),
        );
        break;
      case 'thaw':
        void this.#control(session, 'thaw', 'ThawFailed', (workload) => thaw(workload, session));
        break;
      case 'discardWorkload':
        void this.#control(session, 'discard', 'WorkloadFailed', (workload) => workload.discard());
        break;
      case 'startSaving':
        this.#startSaving(session, effect.generation);
        break;
      case 'drain':
        this.#saving?.streams.drain();
        break;
      case 'endSaving':
        this.#endSaving();
        break;
      case 'startLoading':
        void this.#startLoading(session, effect.generation);
        break;
      case 'endLoading':
        this.#endLoading();
        break;
      case 'armQuiesceDeadline':
        this.#disarm();
        this.#disarm = this.#host.clock.after(effect.ms, () => this.#host.post({ kind: 'quiesceDeadline' }));
        break;
      case 'disarmQuiesceDeadline':
        this.#disarm();
        break;
    }
  }

  async #arc(session: Session, index: number, to: DeviceState): Promise<void> {
    try {
      await this.#operate(session, index, (device) => device.arc(to));
      this.#host.post({ kind: 'arcDone', device: index, state: to, failure: null });
    } catch (error) {
      const { failure: why, state } = toDeviceFailure(error, session, index);
      this.#host.post({ kind: 'arcDone', device: index, state, failure: why });
    }
  }

  async #reset(session: Session, index: number, externals: string): Promise<void> {
    const restore = externals === '' ? null : Buffer.from(externals, 'utf8');
    try {
      const incarnation = await this.#operate(session, index, (device) => device.reset(restore));
      if (restore === null && session.role === 'source' && session.phase !== 'Releasing') {
        const facts = { uid: session.uid, device: session.devices[index]?.id };
        this.#ports.log.warn(facts, 'what RESET cleared is not restored: it could not be read at prepare');
      }
      this.#wasReset(index, { incarnation });
    } catch (error) {
      if (error instanceof AfterReset) {
        this.#ports.log.error(
          { uid: session.uid, failure: error.failure },
          'a device was reset and not restored',
        );
        this.#wasReset(index, { incarnation: error.incarnation, afterwards: error.failure });
        return;
      }
      const { failure: why, state } = toDeviceFailure(error, session, index);
      const { incarnation = '' } = session.devices[index] ?? {};
      this.#host.post({ kind: 'resetDone', device: index, state, incarnation, failure: why });
    }
  }

  #wasReset(index: number, outcome: { incarnation: string; afterwards?: Failure }): void {
    this.#resets.set(index, (this.#resets.get(index) ?? 0) + 1);
    this.#host.post({ kind: 'resetDone', device: index, state: 'Running', failure: null, ...outcome });
  }

  /** Runs one operation; says when it outlives its deadline, and still waits for it. */
  async #operate<T>(
    session: Session,
    index: number,
    run: (device: MigratableDevice) => Promise<T>,
  ): Promise<T> {
    const { id = '' } = session.devices[index] ?? {};
    const device = this.#ports.devices.get(id);
    if (device === null) {
      throw new DeviceFailure(
        failure('DeviceNotFound', `this node has no device ${id}`, id),
        'Unknown',
        null,
      );
    }
    this.#operations.set(index, this.operations(index) + 1);
    const onTime = this.#host.clock.after(this.#options.operationTimeoutMs, () => {
      const facts = { uid: session.uid, device: id, phase: session.phase };
      this.#ports.log.error(facts, 'a device operation has outlived its deadline; it is waited for');
      this.#host.post({ kind: 'overdue', device: index });
    });
    try {
      return await run(device);
    } finally {
      onTime();
    }
  }

  async #control(
    session: Session,
    op: WorkloadOp,
    code: 'FreezeFailed' | 'ThawFailed' | 'WorkloadFailed',
    run: (workload: Freezer) => Promise<void>,
  ): Promise<void> {
    const reached = { freeze: 'frozen', thaw: 'running', discard: 'discarded' } as const;
    const before = new Map(this.#resets);
    try {
      const workload = this.#workload(session);
      if (mayBeOfAnother(session, op)) await refuseAnother(workload, session);
      await run(workload);
      // What a workload set up anew while RESET was under way is gone again.
      const isTold = (index: number): boolean => this.#resets.get(index) === before.get(index);
      const told = op === 'thaw' ? { told: lostOf(session).filter(isTold) } : {};
      this.#host.post({ kind: 'workloadDone', op, state: reached[op], failure: null, ...told });
    } catch (error) {
      if (error instanceof WorkloadGone) {
        // One that has ended needs no order to end.
        const why = op === 'discard' ? null : failure('WorkloadFailed', error.message);
        this.#host.post({ kind: 'workloadDone', op, state: 'discarded', failure: why });
        return;
      }
      const state = await stateOfWorkload(this.#ports.workloads, idsOf(session));
      this.#host.post({ kind: 'workloadDone', op, state, failure: failure(code, messageOf(error)) });
    }
  }

  #startSaving(session: Session, generation: number): void {
    if (this.#saving?.generation === generation) return;
    this.#endSaving();
    const listener = this.#listener(generation);
    try {
      const order = {
        uid: session.uid,
        generation,
        devices: this.#devices(session),
        workload: this.#workload(session),
      };
      this.#saving = { generation, streams: this.#ports.streams.save(order, listener) };
    } catch (error) {
      listener.onFailure(failure('Internal', messageOf(error)));
    }
  }

  #endSaving(): void {
    this.#saving?.streams.end();
    this.#saving = null;
  }

  async #startLoading(session: Session, generation: number): Promise<void> {
    const listener = this.#listener(generation);
    const { uid, pull } = session;
    this.#endLoading();
    const mine: { streams: Loading | null } = { streams: null };
    this.#loading = mine;
    try {
      if (pull === null) throw new Error('the session does not say where to pull from');
      const workload = this.#workload(session);
      await workload.expect(savingIdOf(uid, generation));
      // Ended or started anew while the workload was being asked.
      if (this.#loading !== mine) return;
      const fence = (): number => this.#host.fence();
      const order = { uid, generation, pull, fence, devices: this.#devices(session), workload };
      mine.streams = this.#ports.streams.load(order, listener);
    } catch (error) {
      if (this.#loading === mine) listener.onFailure(failure('WorkloadFailed', messageOf(error)));
    }
  }

  #endLoading(): void {
    this.#loading?.streams?.end();
    this.#loading = null;
  }

  #listener(generation: number): StreamListener {
    return {
      onProgress: (streams) => this.#host.post({ kind: 'streams', generation, streams }),
      onFailure: (why) => this.#host.post({ kind: 'streamFailed', generation, failure: why }),
    };
  }

  #devices(session: Session): MigratableDevice[] {
    return session.devices.map(({ id }) => {
      const device = this.#ports.devices.get(id);
      if (device === null) throw new RangeError(`this node has no device ${id} any more`);
      return device;
    });
  }

  #workload(session: Session): Freezer {
    return this.#ports.workloads.of(idsOf(session));
  }
}

export const messageOf = (error: unknown): string => (error as { message?: string }).message ?? String(error);

function toDeviceFailure(
  error: unknown,
  session: Session,
  index: number,
): Pick<DeviceFailure, 'failure' | 'state'> {
  const known = error as Partial<DeviceFailure>;
  if (known.failure !== undefined && known.state !== undefined)
    return { failure: known.failure, state: known.state };
  const why: Failure = failure('Internal', messageOf(error), session.devices[index]?.id ?? null);
  return { failure: why, state: 'Unknown' };
}
