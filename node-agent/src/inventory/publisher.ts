import { isDeepStrictEqual } from 'node:util';
import { API_VERSION, NODE_DEVICE_INVENTORY_KIND } from '@transship/crds';
import type { Condition } from '@transship/crds';
import { sleep } from '../clock.ts';
import type { Clock } from '../clock.ts';
import type { NodeDescription } from '../contract/description.ts';
import { messageOf } from '../session/effects.ts';
import type { Log } from '../session/ports.ts';
import { inventoryStatus } from './status.ts';

/** Applies one object on the server; `status` its status subresource. */
export type Apply = (name: string, body: object, subresource: 'status' | null) => Promise<void>;

/** How soon a change is published, and how often an unchanged status is renewed, ms. */
const LOOK_INTERVAL_MS = 5_000;
const RENEW_INTERVAL_MS = 60_000;
const MAX_RETRY_MS = 60_000;

/** Keeps the NodeDeviceInventory of this node true until aborted. */
export async function publishInventory(
  describe: () => Promise<NodeDescription>,
  apply: Apply,
  clock: Clock,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  let published: unknown = null;
  let publishedAt = Number.NEGATIVE_INFINITY;
  let conditions: readonly Condition[] = [];
  let failures = 0;
  while (!signal.aborted) {
    try {
      const node = await describe();
      const { observedAt, ...content } = inventoryStatus(node, clock.wallNow(), conditions);
      ({ conditions } = content);
      const isDue = clock.now() - publishedAt >= RENEW_INTERVAL_MS;
      if (isDue || !isDeepStrictEqual(content, published)) {
        const object = {
          apiVersion: API_VERSION,
          kind: NODE_DEVICE_INVENTORY_KIND,
          metadata: { name: node.nodeName },
        };
        await apply(node.nodeName, object, null);
        await apply(node.nodeName, { ...object, status: { observedAt, ...content } }, 'status');
        published = content;
        publishedAt = clock.now();
      }
      failures = 0;
    } catch (error) {
      failures += 1;
      log.warn({ error: messageOf(error), failures }, 'the inventory could not be published');
    }
    const backOff = Math.min(LOOK_INTERVAL_MS * 2 ** failures, MAX_RETRY_MS);
    await sleep(clock, backOff * (0.75 + Math.random() / 4), signal);
  }
}
