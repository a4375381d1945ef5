import type { WorkloadState } from '../core/session.ts';

/**
 * Control of the workload that uses the devices. Every call has its own deadline and rejects with an Error
 * whose message says what the workload's control answered.
 */
export interface Freezer {
  /** Resolves when the workload touches no device any more. */
  freeze(): Promise<void>;
  /** Resolves when it runs again. */
  thaw(): Promise<void>;
  /** Its own state, memory included; only while frozen. */
  save(): Promise<Buffer>;
  /** Target: empties this node's workload and makes it wait, frozen, for a state to be loaded. */
  expect(): Promise<void>;
  /** Target: gives the waiting workload its state; it stays frozen. */
  load(state: Buffer): Promise<void>;
  /** Source, after Commit: ends the frozen workload. */
  discard(): Promise<void>;
  /** Never rejects: `unknown` when there is no answer. */
  state(): Promise<WorkloadState>;
}

/** The workload that uses a set of devices. Throws RangeError when they are not all of one. */
export interface Workloads {
  of(deviceIds: readonly string[]): Freezer;
}
