import type { EndpointSource } from './agents/pool.ts';
import type { PodPort } from './pods/ports.ts';
import type { EventSink, MigrationFeed, MigrationStore, NodePort } from './reconcile/ports.ts';

/** What works beside the migrations through the same door. */
export interface Companion {
  /** What /readyz asks for because of it. */
  readonly ready: Readonly<Record<string, () => boolean>>;
  /** Also while another process works. Resolves once aborted; never rejects. */
  run(signal: AbortSignal): Promise<void>;
  /** While this process is the one that works. Resolves once aborted; never rejects. */
  lead(signal: AbortSignal): Promise<void>;
}

/** Where migrations come from and are recorded: all that Kubernetes and a folder of manifests differ in. */
export interface Door {
  readonly store: MigrationStore;
  readonly feed: MigrationFeed & { readonly synced: boolean };
  readonly events: EventSink;
  readonly nodes: NodePort;
  /** Absent where there are no pods. */
  readonly pods?: PodPort;
  readonly endpoints: EndpointSource;
  /** What /readyz asks for beside the feed. */
  readonly ready: Readonly<Record<string, () => boolean>>;
  /** This process is the one that works; asked before every run. */
  readonly leading: boolean;
  /** Keeps caches fresh, also while another process works. Resolves once aborted. */
  run(signal: AbortSignal): Promise<void>;
  /** Waits until this process is the one that works; false when aborted before. */
  enter(signal: AbortSignal): Promise<boolean>;
  /** Stays that one until that is lost, or until aborted, when the next one is let in. */
  hold(signal: AbortSignal): Promise<'lost' | 'released'>;
  close(): void;
}
