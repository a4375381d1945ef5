import { z } from 'zod';
import type { Log, NodePort } from '../reconcile/ports.ts';
import { describeError } from '../telemetry/log.ts';
import type { KubeTransport } from './transport.ts';

/**
 * Set by a person or a fencing controller once the node is shut down (non-graceful node shutdown, stable since 1.28).
 * https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown
 */
export const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';

const DEADLINE_MS = 10_000;

const node = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({ taints: z.array(z.object({ key: z.string() })).optional() }).optional(),
});

/** Taints of nodes, read from the API server each time: what follows from one cannot be taken back. */
export class KubeNodeTaints implements NodePort {
  readonly #transport: Pick<KubeTransport, 'request'>;
  readonly #log: Log;

  constructor(transport: Pick<KubeTransport, 'request'>, log: Log) {
    this.#transport = transport;
    this.#log = log;
  }

  /** A node that is gone, or that cannot be read, is not known to be shut down. Never rejects. */
  async isOutOfService(nodeName: string, signal: AbortSignal): Promise<boolean> {
    const path = `/api/v1/nodes/${encodeURIComponent(nodeName)}`;
    try {
      const answer = await this.#transport.request({ method: 'GET', path, deadlineMs: DEADLINE_MS }, signal);
      const { metadata, spec } = node.parse(answer);
      return metadata.name === nodeName && (spec?.taints ?? []).some(({ key }) => key === OUT_OF_SERVICE);
    } catch (error) {
      this.#log.warn({ node: nodeName, cause: describeError(error) }, 'the taints of a node cannot be read');
      return false;
    }
  }
}
