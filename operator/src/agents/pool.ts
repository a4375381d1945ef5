import { type AgentClient, type AgentClientOptions, type TlsMaterial } from '@transship/node-agent/contract';
import type { AgentPool, Clock, Log } from '../reconcile/ports.ts';
import { Agent } from './agent.ts';

/** Where agents listen: the inventories of a cluster, or a fixed table. */
export interface EndpointSource {
  /** `host:port`, or null when no agent of the node is known. */
  endpoint(nodeName: string): string | null;
}

export interface ClientPoolOptions {
  readonly endpoints: EndpointSource;
  readonly tls: { readonly current: TlsMaterial };
  readonly createClient: (options: AgentClientOptions) => AgentClient;
  readonly clock: Clock;
  readonly log: Log;
}

interface Connection {
  readonly endpoint: string;
  readonly revision: string;
  readonly client: AgentClient;
}

/** One connection a node, made anew when its agent moved or the certificate was replaced. */
export class ClientPool implements AgentPool {
  readonly #options: ClientPoolOptions;
  readonly #connections = new Map<string, Connection>();

  constructor(options: ClientPoolOptions) {
    this.#options = options;
  }

  agent(nodeName: string): Agent | null {
    const { endpoints, clock, log } = this.#options;
    if (endpoints.endpoint(nodeName) === null) return null;
    return new Agent({ nodeName, clock, log, client: () => this.#client(nodeName) });
  }

  /** Ends every connection; calls under way fail. */
  close(): void {
    for (const { client } of this.#connections.values()) client.close();
    this.#connections.clear();
  }

  #client(nodeName: string): AgentClient | null {
    const { endpoints, tls, createClient } = this.#options;
    const endpoint = endpoints.endpoint(nodeName);
    const held = this.#connections.get(nodeName);
    const { revision } = tls.current;
    if (held !== undefined && held.endpoint === endpoint && held.revision === revision) return held.client;
    held?.client.close();
    this.#connections.delete(nodeName);
    if (endpoint === null) return null;
    const client = createClient({ endpoint, tls: tls.current, nodeName });
    this.#connections.set(nodeName, { endpoint, revision, client });
    return client;
  }
}
