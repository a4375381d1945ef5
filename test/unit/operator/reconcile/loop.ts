import { bindsDevices, view, type Failure, type KnownState, type Role } from '@transship/node-agent/core';
import type {
  CommandRequest,
  DeviceDescription,
  PodResources,
  SessionSnapshot,
} from '@transship/node-agent/contract';
import { TargetPods } from '@transship/operator/internal/pods/target-pods';
import type { PodPort } from '@transship/operator/internal/pods/ports';
import type {
  AgentPort,
  AgentReply,
  EventSink,
  ReconcileResult,
} from '@transship/operator/internal/reconcile/ports';
import { Reconciler } from '@transship/operator/internal/reconcile/reconciler';
import { ExplicitReservation } from '@transship/operator/internal/reservation/explicit';
import { FakeNode, type Job } from '../../../support/core-harness.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';
import { RecordLog } from '../support/record-log.ts';
import { KEY, MemoryStore } from './memory-store.ts';

/** The agent of a node: the production transitions on fake devices that do at once what they are told. */
export class InstantAgent implements AgentPort {
  readonly node: FakeNode;
  readonly prefix: string;
  /** Commands in the order of their arrival. */
  readonly heard: string[] = [];
  silent = false;
  /** Devices by their index whose calls do not return. */
  stuck: readonly number[] = [];
  /** What else does not end by itself. */
  heldUp: readonly Job[] = [];
  describes: (device: DeviceDescription) => DeviceDescription = (device) => device;
  /** Devices of the node that no test moves. */
  beside: readonly Partial<DeviceDescription>[] = [];
  /** What its kubelet says; null: it was not told to ask it. */
  podResources: PodResources | null = null;
  #version = 0;
  #observers: ((snapshot: SessionSnapshot) => void)[] = [];

  constructor(role: Role, prefix: string) {
    this.node = new FakeNode(role);
    this.prefix = prefix;
    for (const [index, device] of this.node.devices.entries())
      Object.assign(device, { id: `${prefix}/${index}` });
  }

  describe(): ReturnType<AgentPort['describe']> {
    if (this.silent) return Promise.resolve({ kind: 'unreachable', failure: GONE });
    const devices = this.node.devices.map(({ id, state }) =>
      this.describes({ ...description(id, state), migrationUid: this.boundTo }),
    );
    const beside = this.beside.map((facts) => ({ ...description('', 'Running'), ...facts }));
    const transferEndpoint = `${this.prefix}:7443`;
    const { podResources } = this;
    return Promise.resolve({
      kind: 'devices',
      devices: [...devices, ...beside],
      transferEndpoint,
      podResources,
    });
  }

  command({ header, command }: CommandRequest): Promise<AgentReply> {
    if (this.silent) return Promise.resolve({ kind: 'unreachable', failure: GONE });
    this.heard.push(command.kind);
    const refusal = this.node.send(command, header);
    this.node.settle({ leave: [...this.stuck, ...this.heldUp] });
    for (const device of this.stuck) this.node.event({ kind: 'overdue', device });
    return Promise.resolve({ kind: 'session', session: this.snapshot(), refusal });
  }

  observe(_uid: string, _role: Role, onSnapshot: (snapshot: SessionSnapshot) => void): void {
    this.#observers.push(onSnapshot);
  }

  /** What the observe stream would bring now. */
  tell(): void {
    if (this.node.agent === null || this.silent) return;
    for (const onSnapshot of this.#observers) onSnapshot(this.snapshot());
  }

  /** The migration that binds its devices, or nothing. */
  private get boundTo(): string {
    const session = this.node.agent?.session;
    return session !== undefined && bindsDevices(session.phase) ? session.uid : '';
  }

  private snapshot(): SessionSnapshot {
    this.#version += 1;
    if (this.node.agent === null) throw new Error('no session');
    return { ...view(this.node.agent), version: this.#version, agentInstance: this.prefix };
  }
}

const GONE: Failure = { code: 'AgentUnreachable', message: 'no answer', device: null };

function description(id: string, state: KnownState): DeviceDescription {
  return {
    ...{ id, protocol: 'v1', driver: 'emulator', firmware: '1', state, health: 'Healthy', reason: '' },
    ...{ vendorId: 1, deviceId: 2, subsystemVendorId: 3, subsystemId: 4, revisionId: 5 },
    ...{ p2p: true, preCopy: true, resetSupported: true, regionSize: 4096, dataWindowSize: 2048 },
    ...{ migrationUid: '', notMigratable: '', code: '', workload: '' },
    ...{ interface: 'vfio-user', dmaLogging: false, migrationFlags: 0 },
  };
}

/** The loop with everything around it in memory. */
export class Loop {
  readonly store: MemoryStore;
  readonly source = new InstantAgent('source', 'gpu-a');
  readonly target = new InstantAgent('target', 'gpu-b');
  /** Where the set may go instead, when its manifest says so. */
  readonly fallback = new InstantAgent('target', 'gpu-c');
  readonly clock = new ManualClock();
  readonly events: string[] = [];
  readonly ended: string[] = [];
  /** Objects that vanished while their set was stopped. */
  vanished = 0;
  /** Nodes that are marked as shut down, and those that somebody asked about. */
  readonly outOfService = new Set<string>();
  readonly asked: string[] = [];
  readonly reservation: ExplicitReservation;
  readonly reconciler: Reconciler;

  constructor(
    store = new MemoryStore(),
    instance = 'operator-1',
    shared?: Pick<Loop, 'source' | 'target' | 'fallback'>,
    pods?: PodPort,
  ) {
    this.store = store;
    if (shared !== undefined) {
      const { source, target, fallback } = shared;
      Object.assign(this, { source, target, fallback });
    }
    const agents = {
      agent: (node: string) =>
        [this.source, this.target, this.fallback].find(({ prefix }) => prefix === node) ?? null,
    };
    this.reservation = new ExplicitReservation(agents);
    const events: EventSink = { publish: (_, { type, reason }) => this.events.push(`${type} ${reason}`) };
    const parts = { store, agents, events, clock: this.clock, log: new RecordLog() };
    this.reconciler = new Reconciler({
      ...parts,
      ...(pods === undefined ? {} : { pods: new TargetPods({ ...parts, pods }) }),
      reservation: this.reservation,
      nodes: {
        isOutOfService: (node) => {
          this.asked.push(node);
          return Promise.resolve(this.outOfService.has(node));
        },
      },
      metrics: {
        phaseEntered: () => undefined,
        decisionRecorded: () => undefined,
        commandAnswered: () => undefined,
        stoppedSetVanished: () => {
          this.vanished += 1;
        },
        migrationEnded: (phase) => this.ended.push(phase),
      },
      instance,
      wake: () => undefined,
    });
  }

  reconcile(): Promise<ReconcileResult> {
    return this.reconciler.reconcile(KEY, new AbortController().signal);
  }

  /** Lets the queue's part happen: again and again, as time passes, until nothing is left to do. */
  async run(turns = 40): Promise<this> {
    for (let turn = 0; turn < turns; turn += 1) {
      const result = await this.reconcile();
      if (result.kind === 'done') return this;
      this.clock.jump(Math.max(result.afterMs, 250));
      this.source.tell();
      this.target.tell();
      this.fallback.tell();
      await settle();
    }
    return this;
  }

  get phase(): string {
    return this.store.stored?.status.phase ?? 'gone';
  }
}
