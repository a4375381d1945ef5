import {
  step,
  view,
  type AgentEvent,
  type AgentState,
  type BoundDevice,
  type CommandHeader,
  type DeviceState,
  type Effect,
  type Failure,
  type KnownState,
  type Observation,
  type ObservedDevice,
  type Phase,
  type Role,
  type SessionView,
  type SourceCommand,
  type TargetCommand,
  type WorkloadState,
} from '@transship/node-agent/core';
import { endedStreams, failureOf, textOf, totalsOf, UID } from './core-facts.ts';
import { brokenRule } from './set-rules.ts';

/**
 * How an operation that was ordered ends. `unanswered`: the call died with the device's server. `gone`: the workload
 * has ended before it could obey.
 */
export type Outcome = 'done' | 'refused' | 'error' | 'unanswered' | 'gone';

/** What is out: a device's operation by its index, the workload's, or the streams of a generation. */
export type Job = number | 'workload' | 'streams';

interface FakeDevice {
  readonly id: string;
  state: KnownState;
  incarnation: number;
  holds: boolean;
  /** Its server is away: it answers nobody. */
  silent: boolean;
  out: DeviceState | 'reset' | null;
}

const REACHED = { freeze: 'frozen', thaw: 'running', discard: 'discarded' } as const;

type Command = SourceCommand | TargetCommand;

export interface NodeOptions {
  readonly devices?: number;
  readonly p2p?: boolean;
  /** Migration protocol of its devices; `v1` by default. */
  readonly protocol?: 'v1' | 'v2';
}

/**
 * One node of a migration without I/O: the production transitions, and devices, workload and streams that do
 * what they are ordered when the test lets them. Orders that break a rule of the conformance list throw.
 */
export class FakeNode {
  readonly role: Role;
  readonly p2p: boolean;
  readonly protocol: 'v1' | 'v2';
  agent: AgentState | null = null;
  devices: FakeDevice[];
  workload: WorkloadState;
  /** Orders in the order in which they were given, e.g. `0 -> RunningP2P`, `freeze`, `drain 1`. */
  orders: string[] = [];
  /** Every phase that was entered and journalled. */
  phases: Phase[] = [];
  /** What is out, first ordered first. */
  private out: Job[] = [];
  private sequence = 0;
  private streamsOut = 0;
  /** Generation whose streams were begun and have told nothing yet. */
  private saving = 0;
  private workloadOut: 'freeze' | 'thaw' | 'discard' | null = null;
  /** Changes what the agent finds of a device before a command; for tests of admission. */
  facts: (index: number) => Partial<ObservedDevice> = () => ({});
  /** Devices of the workload as the devices file names them. */
  workloadDevices: readonly string[] = [];

  constructor(role: Role, { devices = 2, p2p = true, protocol = 'v1' }: NodeOptions = {}) {
    this.role = role;
    this.p2p = p2p;
    this.protocol = protocol;
    this.workload = role === 'source' ? 'running' : 'frozen';
    this.devices = Array.from({ length: devices }, (_, index) => ({
      id: `${role}/${index}`,
      state: 'Running',
      incarnation: 0,
      holds: role === 'source',
      silent: false,
      out: null,
    }));
  }

  /** An independent copy, to go on from one state in several ways. */
  fork(): FakeNode {
    const { p2p, protocol } = this;
    const copy = new FakeNode(this.role, { devices: this.devices.length, p2p, protocol });
    const { devices, orders, phases, out } = structuredClone({
      devices: this.devices,
      orders: this.orders,
      phases: this.phases,
      out: this.out,
    });
    const { agent, workload, sequence, streamsOut, workloadOut, facts, workloadDevices } = this;
    Object.assign(copy, { devices, orders, phases, out });
    Object.assign(copy, { agent, workload, sequence, streamsOut, workloadOut, facts, workloadDevices });
    return copy;
  }

  get ids(): string[] {
    return this.devices.map((device) => device.id);
  }

  get phase(): Phase {
    return this.view.phase;
  }

  get view(): SessionView {
    if (this.agent === null) throw new Error('the agent knows nothing of the migration');
    return view(this.agent);
  }

  get states(): KnownState[] {
    return this.devices.map((device) => device.state);
  }

  /** The first error that the session reports, by its code. */
  get error(): string | null {
    return this.view.error?.code ?? null;
  }

  get jobs(): readonly Job[] {
    return this.out;
  }

  bound(device: number): BoundDevice {
    const found = this.agent?.session.devices[device];
    if (found === undefined) throw new RangeError(`device ${device} is not bound`);
    return found;
  }

  /** Sends a command with the next sequence and returns why it was refused, or null. */
  send(command: Command, header: Partial<CommandHeader> = {}): Failure | null {
    this.sequence += 1;
    return this.event({
      kind: 'command',
      header: { uid: UID, fence: 1, sequence: this.sequence, operator: 'op', ...header },
      role: this.role,
      command,
      observed: this.observation(),
    });
  }

  observation(): Observation {
    return {
      devices: this.devices.map(({ id, state, incarnation, silent }, index) => ({
        id,
        state: silent ? 'Unknown' : state,
        incarnation: String(incarnation),
        protocol: this.protocol,
        p2p: this.p2p,
        preCopy: true,
        resetSupported: true,
        unfit: null,
        externals: '',
        boundBy: null,
        quarantined: false,
        ...this.facts(index),
      })),
      workload: this.workload,
      workloadDevices: this.workloadDevices,
      ticket: 'ticket',
    };
  }

  /** Runs one event through the transition and starts what it orders. */
  event(event: AgentEvent): Failure | null {
    const before = this.agent;
    const { state, effects, refusal } = step(before, event);
    this.agent = state;
    if (state !== null && state.session.phase !== before?.session.phase)
      this.phases.push(state.session.phase);
    for (const effect of effects) this.order(effect);
    this.beginStreams();
    return refusal;
  }

  /** Lets one operation end. */
  finish(job: Job, outcome: Outcome = 'done'): void {
    const at = this.out.indexOf(job);
    if (at < 0) throw new Error(`${job} is not out; out are: ${this.out.join(', ')}`);
    this.out.splice(at, 1);
    if (job === 'streams') this.endStreams(outcome);
    else if (job === 'workload') this.endWorkload(outcome);
    else this.endDevice(job, outcome);
  }

  /** Lets everything end well, first ordered first, until nothing is out (or `until` is entered). */
  settle({ until, leave = [] }: { until?: Phase; leave?: readonly Job[] } = {}): this {
    for (let turns = 0; turns < 1000; turns += 1) {
      const next = this.out.find((job) => !leave.includes(job));
      if (next === undefined || (until !== undefined && this.phase === until)) return this;
      this.finish(next);
    }
    throw new Error(`it does not settle; out are: ${this.out.join(', ')}`);
  }

  /** The agent process dies and is started again. Calls in `carriedOut` had their effect all the same. */
  restart(carriedOut: readonly Job[] = []): void {
    for (const [index, device] of this.devices.entries()) {
      const { out } = device;
      device.out = null;
      if (out === null || !carriedOut.includes(index)) continue;
      if (out === 'reset') this.wipe(device);
      else this.walk(device, out);
    }
    const { workloadOut } = this;
    if (workloadOut !== null && carriedOut.includes('workload')) this.workload = REACHED[workloadOut];
    this.out = [];
    this.workloadOut = null;
    this.event({ kind: 'restarted', observed: this.observation() });
  }

  /** The device's server was started anew and its state is gone; nobody has told the agent. */
  replace(device: number): void {
    this.wipe(this.device(device));
  }

  /** The same, and the agent hears of it. */
  reopen(device: number): void {
    this.replace(device);
    const { incarnation, state } = this.device(device);
    this.event({ kind: 'incarnationChanged', device, incarnation: String(incarnation), state });
  }

  /** The device stops answering, or answers again as the one it was. */
  answers(device: number, yes: boolean): void {
    const fake = this.device(device);
    fake.silent = !yes;
    const state = yes ? fake.state : 'Unknown';
    this.event({ kind: 'incarnationChanged', device, incarnation: String(fake.incarnation), state });
  }

  /** Everything that can differ and matters, as text. */
  fingerprint(): string {
    return JSON.stringify([this.agent, this.devices, this.workload, this.out.map(String).toSorted()]);
  }

  private device(index: number): FakeDevice {
    const device = this.devices[index];
    if (device === undefined) throw new RangeError(`no device ${index}`);
    return device;
  }

  private order(effect: Effect): void {
    const set = this.devices.map((device) => ({ ...device, p2p: this.p2p }));
    const broken = brokenRule(set, this.workload, effect);
    if (broken !== null)
      throw new Error(`${broken} (${this.orders.slice(-8).join(', ')}, ${textOf(effect)})`);
    this.orders.push(textOf(effect));
    switch (effect.kind) {
      case 'arc':
      case 'reset':
        this.device(effect.device).out = effect.kind === 'arc' ? effect.to : 'reset';
        this.out.push(effect.device);
        break;
      case 'freeze':
      case 'thaw':
      case 'discardWorkload':
        if (this.workloadOut !== null) throw new Error(`${effect.kind} while ${this.workloadOut} is out`);
        this.workloadOut = effect.kind === 'discardWorkload' ? 'discard' : effect.kind;
        this.out.push('workload');
        break;
      case 'startSaving':
        this.saving = effect.generation;
        break;
      case 'drain':
      case 'startLoading':
        this.streamsOut = effect.generation;
        this.out = [...this.out.filter((job) => job !== 'streams'), 'streams'];
        break;
      case 'endSaving':
      case 'endLoading':
        this.out = this.out.filter((job) => job !== 'streams');
        break;
      default:
    }
  }

  /** Devices have been asked for their initial data and have none. */
  private beginStreams(): void {
    const generation = this.saving;
    this.saving = 0;
    if (generation === 0 || this.agent === null) return;
    const streams = this.agent.live.streams.map((stream) => ({ ...stream, initialPending: false }));
    this.event({ kind: 'streams', generation, streams });
  }

  private endDevice(index: number, outcome: Outcome): void {
    const device = this.device(index);
    const { out } = device;
    device.out = null;
    if (outcome === 'error') Object.assign(device, { state: 'Error', holds: false });
    if (outcome === 'done' && out === 'reset') this.wipe(device);
    if (outcome === 'done' && out !== 'reset' && out !== null) this.walk(device, out);
    if (outcome === 'unanswered') device.silent = true;
    const state = device.silent ? 'Unknown' : device.state;
    const code = outcome === 'error' ? 'DeviceError' : 'ArcFailed';
    const failure = outcome === 'done' ? null : { ...failureOf(code), device: device.id };
    if (out === 'reset') {
      const incarnation = String(device.incarnation);
      this.event({ kind: 'resetDone', device: index, state, incarnation, failure });
    } else this.event({ kind: 'arcDone', device: index, state, failure });
  }

  private walk(device: FakeDevice, to: DeviceState): void {
    if (device.state === 'Resuming' && to === 'Stop') device.holds = true;
    device.state = to;
  }

  private wipe(device: FakeDevice): void {
    Object.assign(device, { state: 'Running', incarnation: device.incarnation + 1, holds: false });
  }

  private endWorkload(outcome: Outcome): void {
    const op = this.workloadOut ?? 'thaw';
    this.workloadOut = null;
    if (outcome === 'done') this.workload = REACHED[op];
    if (outcome === 'gone') this.workload = 'discarded';
    const state = outcome === 'unanswered' ? 'unknown' : this.workload;
    const failure = outcome === 'done' ? null : failureOf(op === 'thaw' ? 'ThawFailed' : 'FreezeFailed');
    this.event({ kind: 'workloadDone', op, state, failure });
  }

  private endStreams(outcome: Outcome): void {
    const generation = this.streamsOut;
    if (outcome === 'done') {
      const streams = endedStreams(totalsOf(this.devices.length, generation));
      this.event({ kind: 'streams', generation, streams });
    } else this.event({ kind: 'streamFailed', generation, failure: failureOf('StreamCorrupt') });
  }
}
