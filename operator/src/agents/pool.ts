import {
  AgentCallError,
  type AgentClient,
  type AgentClientOptions,
  type Failure,
  type TlsMaterial,
} from '@transship/node-agent/contract';
import type { AgentPool, Clock, Log } from '../reconcile/ports.ts';
import { Agent, silenceIn } from './agent.ts';
import { Circuit } from './circuit.ts';

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
  /** What a caller waits, milliseconds, to learn whether an agent lives that did not answer last; null: its whole deadline. */
  readonly patienceMs: number | null;
}

interface Connection {
  readonly endpoint: string;
  readonly revision: string;
  readonly client: AgentClient;
  /** Of the agent that listens there, by whatever certificate it is called. */
  readonly circuit: Circuit | null;
}

/** One connection a node, made anew when its agent moved or the certificate was replaced. */
export class ClientPool implements AgentPool {
  readonly #options: ClientPoolOptions;
  readonly #connections = new Map<string, Connection>();
  readonly #closed = new AbortController();

  constructor(options: ClientPoolOptions) {
    this.#options = options;
  }

  agent(nodeName: string): Agent | null {
    const { endpoints, clock, log } = this.#options;
    if (endpoints.endpoint(nodeName) === null) return null;
    const client = (): AgentClient | null => this.#connection(nodeName)?.client ?? null;
    const circuit = (): Circuit | null => this.#connections.get(nodeName)?.circuit ?? null;
    return new Agent({ nodeName, clock, log, client, circuit });
  }

  /** Ends every connection; calls under way fail. */
  close(): void {
    this.#closed.abort();
    for (const { client } of this.#connections.values()) client.close();
    this.#connections.clear();
  }

  #connection(nodeName: string): Connection | null {
    const { endpoints, tls, createClient } = this.#options;
    const endpoint = endpoints.endpoint(nodeName);
    const held = this.#connections.get(nodeName);
    const { revision } = tls.current;
    if (held !== undefined && held.endpoint === endpoint && held.revision === revision) return held;
    held?.client.close();
    this.#connections.delete(nodeName);
    if (endpoint === null) return null;
    const client = createClient({ endpoint, tls: tls.current, nodeName });
    const circuit = held?.endpoint === endpoint ? held.circuit : this.#circuit(nodeName);
    const connection = { endpoint, revision, client, circuit };
    this.#connections.set(nodeName, connection);
    return connection;
  }

  #circuit(nodeName: string): Circuit | null {
    const { clock, patienceMs } = this.#options;
    return patienceMs === null ? null : new Circuit(clock, patienceMs, () => this.#isAlive(nodeName));
  }

  /** Never rejects. */
  async #isAlive(nodeName: string): Promise<Failure | null> {
    try {
      // The smallest question there is; an answer that cannot be read is one as well.
      await this.#connection(nodeName)?.client.listSessions(true, this.#closed.signal);
      return null;
    } catch (error) {
      return error instanceof AgentCallError ? silenceIn(error) : null;
    }
  }
}
