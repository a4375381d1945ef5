import type { Effect, Observation, StepResult } from './effects.ts';
import type { KnownState, DeviceState } from './device-state.ts';
import { onTheWayBack, type Phase } from './phase.ts';
import type { AgentState, BoundDevice, Failure, Live, LiveDevice, Session } from './session.ts';

/** Beside a loss at the source. */
export const UNTOLD = { untold: true } as const;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const SAVING_GROUP: ReadonlySet<KnownState> = new Set<KnownState>(['PreCopy', 'PreCopyP2P', 'StopCopy']);

export const fail = (code: string, message: string, device: string | null = null): Failure => ({
  code,
  message,
  device,
});

/**
 * A transition under construction. It copies what it changes, so the state it was made from stays as it
 * was, and it keeps the rule that a device has at most one operation out.
 */
export class Draft {
  readonly effects: Effect[] = [];
  private session: Session;
  private live: Mutable<Live>;

  constructor(state: AgentState) {
    this.session = state.session;
    this.live = { ...state.live };
  }

  get s(): Session {
    return this.session;
  }

  get l(): Live {
    return this.live;
  }

  get phase(): Phase {
    return this.session.phase;
  }

  get indexes(): number[] {
    return this.session.devices.map((_, index) => index);
  }

  bound(index: number): BoundDevice {
    const device = this.session.devices[index];
    if (device === undefined) throw new RangeError(`session ${this.session.uid} has no device ${index}`);
    return device;
  }

  device(index: number): LiveDevice {
    const device = this.live.devices[index];
    if (device === undefined) throw new RangeError(`session ${this.session.uid} has no device ${index}`);
    return device;
  }

  setSession(change: Partial<Session>): void {
    this.session = { ...this.session, ...change };
  }

  setLive(change: Partial<Live>): void {
    Object.assign(this.live, change);
  }

  setBound(index: number, change: Partial<BoundDevice>): void {
    const devices = this.session.devices.with(index, { ...this.bound(index), ...change });
    this.setSession({ devices });
  }

  setDevice(index: number, change: Partial<LiveDevice>): void {
    this.live.devices = this.live.devices.with(index, { ...this.device(index), ...change });
  }

  /** Enters a phase and lifts what stopped the previous one. */
  enter(phase: Phase): void {
    this.setSession({ phase });
    this.setLive({ halted: false });
  }

  /** Notes an error; the first since the last command is the one that is reported. */
  note(failure: Failure): void {
    if (this.session.error === null) this.setSession({ error: failure });
  }

  /** Notes an error and waits for a command. */
  halt(failure: Failure): void {
    this.note(failure);
    this.setLive({ halted: true });
  }

  idle(index: number): boolean {
    return this.device(index).op === null;
  }

  arc(index: number, to: DeviceState): void {
    const homeward = onTheWayBack(this.phase);
    this.setDevice(index, { op: { kind: 'arc', to, overdue: false, homeward } });
    this.effects.push({ kind: 'arc', device: index, to });
  }

  reset(index: number): void {
    const { role, phase } = this.session;
    // A source device that is given away is left clean; one that stays gets back what RESET clears.
    const restore = role === 'source' && phase !== 'Releasing' ? this.bound(index).externals : '';
    this.setDevice(index, { op: { kind: 'reset', overdue: false } });
    this.effects.push({ kind: 'reset', device: index, restore });
  }

  freeze(): void {
    this.setLive({ workloadOp: 'freeze' });
    this.effects.push({ kind: 'freeze' });
  }

  thaw(): void {
    this.setLive({ workloadOp: 'thaw' });
    this.effects.push({ kind: 'thaw' });
  }

  discardWorkload(): void {
    this.setLive({ workloadOp: 'discard' });
    this.effects.push({ kind: 'discardWorkload' });
  }

  /** Our arc was walked; entering the saving group opens a saving session of this generation. */
  arrived(index: number, state: KnownState): void {
    this.move(index, state, this.session.generation);
  }

  /** The device is seen at a state; what it saves there was not opened for this generation. */
  found(index: number, state: KnownState): void {
    this.move(index, state, 0);
  }

  /** Leaving the saving group ends the session; a device that does not answer for a while keeps the one it had. */
  private move(index: number, state: KnownState, opened: number): void {
    const before = this.device(index);
    const inGroup = SAVING_GROUP.has(before.state) || before.state === 'Unknown';
    const saving = inGroup ? before.savingGeneration : opened;
    const stays = SAVING_GROUP.has(state) || state === 'Unknown';
    this.setDevice(index, { state, savingGeneration: stays ? saving : 0 });
  }

  lose(index: number, why: Failure): void {
    if (!this.bound(index).lost) this.markLost(index);
    this.note(why);
  }

  /** A workload that goes on at the source goes on with this device, so it has to hear of it. */
  private markLost(index: number): void {
    this.setBound(index, { lost: true, ...(this.session.role === 'source' ? UNTOLD : {}) });
  }

  /** The workload was told of these losses: it sets the devices up anew. */
  told(indexes: readonly number[]): void {
    for (const index of indexes) {
      const { untold, ...bound } = this.bound(index);
      if (untold === true) this.setSession({ devices: this.session.devices.with(index, bound) });
    }
  }

  /**
   * Whether this incarnation says that the device lost its state. One that could not be told says nothing; after a
   * RESET of ours behind which it could not be told, the first that is told is the device's.
   */
  isAnother(index: number, incarnation: string): boolean {
    const known = this.bound(index).incarnation;
    if (incarnation === '' || incarnation === known) return false;
    if (known !== '') return true;
    this.setBound(index, { incarnation });
    return false;
  }

  /** Takes over what was read from the devices just now; returns the loss that it revealed, if any. */
  observe(observed: Observation): Failure | null {
    let loss: Failure | null = null;
    for (const index of this.indexes) {
      const bound = this.bound(index);
      const seen = observed.devices.find((device) => device.id === bound.id);
      if (seen === undefined) continue;
      if (this.idle(index) && seen.state !== this.device(index).state) this.found(index, seen.state);
      if (seen.state === 'Unknown' || !this.idle(index) || !this.isAnother(index, seen.incarnation)) continue;
      if (bound.lost) continue;
      loss ??= fail('DeviceStateLost', `${bound.id} was reset or re-opened`, bound.id);
      this.markLost(index);
    }
    return loss;
  }

  result(refusal: Failure | null = null): StepResult {
    return { state: { session: this.session, live: this.live }, effects: this.effects, refusal };
  }
}
