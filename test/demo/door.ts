import type { DeviceMigrationStatus } from '@transship/crds';
import type { DemoManifest } from './manifest.ts';

/** Shows one line. */
export type Say = (line: string) => void;

/** How a migration is asked for and followed: a folder of manifests, or an API server. */
export interface DemoDoor {
  /** Hands the manifest over; resolves with the UID that it was given. */
  apply(manifest: DemoManifest, say: Say, signal: AbortSignal): Promise<string>;
  /**
   * Says what a person would see until the migration has ended; resolves with its last status.
   * @throws when it does not end in time.
   */
  follow(say: Say, signal: AbortSignal): Promise<DeviceMigrationStatus>;
}

/** A set of a few gigabytes takes seconds; a machine busy with other work is given this much. */
export const VOYAGE_DEADLINE_MS = 5 * 60_000;
