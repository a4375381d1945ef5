import { KubeConfig } from '@kubernetes/client-node';
import { findByUid } from '../kube/find.ts';
import { InventoryCache } from '../kube/inventory-cache.ts';
import { KubeMigrationStore } from '../kube/store.ts';
import { KubeTransport } from '../kube/transport.ts';
import type { Clock, Log } from '../reconcile/ports.ts';
import type { CliDoor } from './door.ts';

const SYNC_MS = 30_000;
const POLL_MS = 50;

/**
 * The records of a cluster. Operators need not be stopped: the fence that a recovery raises puts them off.
 * @throws when the credentials or the inventories cannot be read
 */
export async function openCluster(
  kubeconfig: string | null,
  clock: Clock,
  log: Log,
  signal: AbortSignal,
): Promise<CliDoor> {
  const credentials = new KubeConfig();
  if (kubeconfig === null) credentials.loadFromDefault();
  else credentials.loadFromFile(kubeconfig);
  const transport = new KubeTransport(credentials);
  const store = new KubeMigrationStore(transport, clock);
  const inventories = new InventoryCache(transport, clock, log);
  const end = new AbortController();
  const running = inventories.run(end.signal);
  const close = async (): Promise<void> => {
    end.abort();
    await running;
    transport.close();
  };
  const until = clock.now() + SYNC_MS;
  while (!inventories.synced) {
    if (clock.now() >= until || signal.aborted) {
      await close();
      throw new Error(`the inventories of the cluster were not read within ${SYNC_MS / 1000} s`);
    }
    await clock.sleep(POLL_MS, signal);
  }
  return {
    store,
    find: async (uid, limit) => {
      const key = await findByUid(transport, uid, limit);
      return key === null ? null : store.get(key, limit);
    },
    nodes: () => inventories.nodes,
    endpoint: (nodeName) => inventories.endpoint(nodeName),
    enter: async () => undefined,
    close,
  };
}
