import type { CommandReply } from '@transship/node-agent/contract';
import type { Role, SourceCommand, TargetCommand } from '@transship/node-agent/internal/core/command';
import type { Session } from '@transship/node-agent/internal/core/session';
import { Journal } from '@transship/node-agent/internal/journal/journal';
import { QuarantineFile } from '@transship/node-agent/internal/journal/quarantine-file';
import type { FileSystem } from '@transship/node-agent/internal/journal/file-system';
import { DEFAULT_RETENTION } from '@transship/node-agent/internal/journal/retention';
import type {
  LoadingOrder,
  SavingOrder,
  StreamListener,
  Streams,
} from '@transship/node-agent/internal/session/ports';
import { SessionRegistry } from '@transship/node-agent/internal/session/registry';
import { FakeDevice, fakeDevices } from './fake-device.ts';
import { FakeFreezer, workloadsOf } from './fake-freezer.ts';
import { ManualClock } from './manual-clock.ts';
import { recordingLog } from './recording-log.ts';

/** A disk that records the order of what happens to it, and can be slow or broken. */
export class FakeDisk implements FileSystem {
  readonly files = new Map<string, Buffer>();
  readonly happened: string[];
  broken = false;
  /** The file is in its place, and nobody knows whether for good. */
  unsynced = false;
  #gate: Promise<void> = Promise.resolve();

  constructor(happened: string[]) {
    this.happened = happened;
  }

  /** Holds every write back until the returned function is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    return resolve;
  }

  ensureDirectory(): Promise<void> {
    return Promise.resolve();
  }

  list(directory: string): Promise<string[]> {
    const inside = [...this.files.keys()].filter((path) => path.startsWith(`${directory}/`));
    return Promise.resolve(
      inside.map((path) => path.slice(directory.length + 1)).filter((name) => !name.includes('/')),
    );
  }

  read(path: string): Promise<Buffer> {
    return Promise.resolve(this.files.get(path) ?? Buffer.alloc(0));
  }

  async writeDurably(path: string, contents: Buffer): Promise<void> {
    await this.#gate;
    if (this.broken) throw new Error('no space left');
    this.files.set(path, contents);
  }

  rename(from: string, to: string): Promise<void> {
    this.files.set(to, this.files.get(from) ?? Buffer.alloc(0));
    this.files.delete(from);
    return Promise.resolve();
  }

  remove(path: string): Promise<void> {
    this.files.delete(path);
    return Promise.resolve();
  }

  syncDirectory(path: string): Promise<void> {
    if (this.unsynced) return Promise.reject(new Error('input/output error'));
    if (!path.endsWith('refused')) this.happened.push('journal durable');
    return Promise.resolve();
  }
}

/** Streams that go where the test sends them. */
export class FakeStreams implements Streams {
  readonly happened: string[];
  readonly saves: { order: SavingOrder; listener: StreamListener }[] = [];
  readonly loads: { order: LoadingOrder; listener: StreamListener }[] = [];

  constructor(happened: string[]) {
    this.happened = happened;
  }

  save(order: SavingOrder, listener: StreamListener) {
    this.saves.push({ order, listener });
    this.happened.push(`save ${order.generation}`);
    return {
      drain: () => void this.happened.push('drain'),
      end: () => void this.happened.push('save ended'),
    };
  }

  load(order: LoadingOrder, listener: StreamListener) {
    this.loads.push({ order, listener });
    this.happened.push(`load ${order.generation}`);
    return { end: () => void this.happened.push('load ended') };
  }

  review(): void {
    // Nobody waits for anything here.
  }
}

/** Sessions over devices, a workload, a disk and streams in memory. A second one on the same disk is a restart. */
export class AgentInMemory {
  /** What happened to the world outside, in order. */
  readonly happened: string[] = [];
  readonly disk: FakeDisk;
  readonly streams = new FakeStreams(this.happened);
  readonly freezer: FakeFreezer;
  readonly devices: readonly FakeDevice[];
  readonly clock = new ManualClock();
  readonly log = recordingLog();
  readonly registry: SessionRegistry;
  #sequence = 0;

  /** `files`: where it keeps its journal instead of `disk`. */
  constructor(
    devices: readonly FakeDevice[],
    freezer = FakeFreezer.healthy(),
    disk?: FakeDisk,
    files?: FileSystem,
  ) {
    this.devices = devices;
    this.freezer = freezer;
    this.disk = disk ?? new FakeDisk(this.happened);
    const kept = files ?? this.disk;
    for (const device of devices) {
      device.onOperation = (operation) => void this.happened.push(`${device.id} ${operation}`);
    }
    const journal = new Journal(kept, '/state', () => this.clock.wallNow());
    this.registry = new SessionRegistry(
      journal,
      new QuarantineFile(kept, '/state'),
      {
        devices: fakeDevices(...devices),
        workloads: workloadsOf(freezer),
        members: { workloadOf: () => null },
        streams: this.streams,
        log: this.log,
      },
      this.clock,
      { agentInstance: 'agent-1', operationTimeoutMs: 1_000, retention: DEFAULT_RETENTION },
    );
  }

  session(uid = 'uid-1'): Session | null {
    return this.registry.session(uid);
  }

  /** Sends the next command of the only operator. */
  send(role: Role, command: SourceCommand | TargetCommand, waitMs = 0, uid = 'uid-1'): Promise<CommandReply> {
    this.#sequence += 1;
    return this.sendAs({ fence: 1, sequence: this.#sequence }, role, command, waitMs, uid);
  }

  sendAs(
    pair: { fence: number; sequence: number; operator?: string },
    role: Role,
    command: SourceCommand | TargetCommand,
    waitMs = 0,
    uid = 'uid-1',
  ): Promise<CommandReply> {
    const header = { uid, operator: 'operator-1', ...pair };
    return this.registry.command({ header, role, command }, waitMs, new AbortController().signal);
  }

  prepareSource(uid = 'uid-1'): Promise<CommandReply> {
    const devices = this.devices.map(({ id }) => id);
    return this.send('source', { kind: 'prepare', generation: 1, devices }, 0, uid);
  }

  /** As the target of a move, whose devices are nobody's yet. */
  prepareTarget(uid = 'uid-1'): Promise<CommandReply> {
    if (this.freezer.now === 'running') this.freezer.now = 'discarded';
    const devices = this.devices.map(({ id }) => id);
    const pull = {
      endpoint: 'gpu-a:7443',
      node: 'gpu-a',
      ticket: 'a ticket of the source',
      bandwidthLimit: 0,
    };
    return this.send('target', { kind: 'prepare', generation: 1, devices, pull }, 0, uid);
  }
}
