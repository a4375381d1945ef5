import { clipMessage, type InventoryDevice } from '@transship/crds';
import { z } from 'zod';

/** core/v1 NodeCondition. */
export interface NodeCondition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  /** RFC 3339, whole seconds. */
  readonly lastTransitionTime: string;
  readonly lastHeartbeatTime: string;
}

/** False while a device of the node is in quarantine, Unknown when no agent tells. The kubelet leaves it alone. */
export const NODE_CONDITION = 'TransshipDevicesHealthy';

/** A node lists all its conditions at once; nobody reads more. */
const MESSAGE_MAX = 4_096;

/** core/v1 Node, as far as it matters here. */
export const knownNode = z.object({
  metadata: z.object({ name: z.string(), uid: z.string() }),
  status: z
    .object({
      conditions: z
        .array(
          z.object({
            type: z.string(),
            status: z.string(),
            reason: z.string().default(''),
            message: z.string().default(''),
            lastTransitionTime: z.string().nullish(),
          }),
        )
        .optional(),
    })
    .optional(),
});

/** What the API server holds of a node, as far as it matters here. */
export type KnownNode = z.output<typeof knownNode>;

/** @throws when the answer is no Node. */
export const parseNode = (answer: unknown): KnownNode => knownNode.parse(answer);

/** What a node says of its devices, but for when. */
export type NodeFacts = Pick<NodeCondition, 'status' | 'reason' | 'message'>;

/** What is to be said of the devices of a node; null: nothing is known of them. */
export function factsOf(devices: readonly InventoryDevice[] | null): NodeFacts {
  if (devices === null) {
    return { status: 'Unknown', reason: 'NoInventory', message: 'No agent tells of the devices.' };
  }
  const withheld = devices.filter(({ health }) => health === 'Quarantined');
  if (withheld.length === 0) {
    return { status: 'True', reason: 'NoQuarantine', message: 'No device is in quarantine.' };
  }
  const each = withheld.map(({ id, quarantine, reason = '' }) => {
    const { code = '', since = '' } = quarantine ?? {};
    const facts = [code, since === '' ? '' : `since ${since}`, reason].filter((fact) => fact !== '');
    return `${id} (${facts.join(', ')})`;
  });
  const message = clipMessage(`In quarantine: ${each.join('; ')}.`, MESSAGE_MAX);
  return { status: 'False', reason: 'Quarantined', message };
}

/**
 * The condition to write, or null when the node says the same already. One of whose devices nothing was ever told, and
 * nothing is known, is left without.
 */
export function conditionToWrite({ status }: KnownNode, facts: NodeFacts, now: Date): NodeCondition | null {
  const before = status?.conditions?.find(({ type }) => type === NODE_CONDITION);
  if (before === undefined && facts.status === 'Unknown') return null;
  const isSame =
    before?.status === facts.status && before.reason === facts.reason && before.message === facts.message;
  if (isSame) return null;
  const at = `${now.toISOString().slice(0, 19)}Z`;
  const kept = before?.status === facts.status ? before.lastTransitionTime : null;
  return { type: NODE_CONDITION, ...facts, lastTransitionTime: kept ?? at, lastHeartbeatTime: at };
}
