/** What sessions need of the rest of the agent; implemented by journal/, device/, workload/ and transfer/. */
import type { PullSource } from '../core/command.ts';
import type { Failure, Session } from '../core/session.ts';
import type { StreamProgress } from '../core/stream.ts';
import type { Devices, MigratableDevice } from '../device/port.ts';
import type { Freezer, Workloads } from '../workload/freezer.ts';

export interface SessionStore {
  /** Durable when it resolves. */
  write(session: Session): Promise<void>;
}

/** What moving streams tell their session. */
export interface StreamListener {
  onProgress(streams: readonly StreamProgress[]): void;
  /** At most once; the streams move no further. */
  onFailure(failure: Failure): void;
}

/** Streams of one generation that this node serves to a puller. */
export interface Saving {
  /** The devices are stopped: every stream now runs to its true end. */
  drain(): void;
  /** Stops serving; no device is asked for data afterwards. */
  end(): void;
}

/** Streams of one generation that this node pulls. */
export interface Loading {
  /** No device is given data afterwards. */
  end(): void;
}

export interface SavingOrder {
  readonly uid: string;
  readonly generation: number;
  readonly devices: readonly MigratableDevice[];
  readonly workload: Freezer;
}

export interface LoadingOrder {
  readonly uid: string;
  readonly generation: number;
  readonly pull: PullSource;
  /** The highest fence accepted so far, asked for at every (re)connection. */
  readonly fence: () => number;
  readonly devices: readonly MigratableDevice[];
  readonly workload: Freezer;
}

export interface Streams {
  save(order: SavingOrder, listener: StreamListener): Saving;
  load(order: LoadingOrder, listener: StreamListener): Loading;
  /** The session has entered another phase, and may have nothing more to serve. */
  review(uid: string): void;
}

/** Who holds which device, over all sessions of this agent. */
export interface Bindings {
  /** UID of another session than `uid` that binds the device, or null. */
  boundBy(deviceId: string, uid: string): string | null;
  quarantined(deviceId: string): boolean;
}

/** One workload of this node as the devices file names it. */
export interface Membership {
  readonly name: string;
  /** Ids of all its devices. */
  readonly devices: readonly string[];
}

/** Which devices move together. */
export interface Members {
  /** The workload that drives a device; null when none is named. */
  workloadOf(deviceId: string): Membership | null;
}

/** Constant message, facts beside it. */
export interface Log {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** All that a session's runner is given. */
export interface SessionPorts {
  readonly store: SessionStore;
  readonly devices: Devices;
  readonly bindings: Bindings;
  readonly workloads: Workloads;
  readonly members: Members;
  readonly streams: Streams;
  readonly log: Log;
}
