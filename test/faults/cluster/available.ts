import { clusterAssets } from '../../cluster/rig/assets.ts';

/** Why no cluster can be started here; null: one can. Builds what the cache lacks of its programs. */
export const clusterMissing = (): Promise<string | null> =>
  clusterAssets().then(
    () => null,
    (error: unknown) => `no control plane: ${(error as Error).message.slice(0, 200)}`,
  );
