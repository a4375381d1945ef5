/** What is known of a cluster in which a fault has struck: plain data, which the judge looks at. */

/** One program of the control plane that was struck, and what became of it. */
export interface Outage {
  readonly program: 'kube-apiserver' | 'etcd';
  readonly pid: number;
  /** SIGKILL as its exit showed, SIGSTOP as the kernel showed its state; null: it was not struck by a signal. */
  readonly signal: string | null;
  /** Process id of what answers now; null: it never came back. */
  readonly backAs: number | null;
  /** Whether the API server knew the migration by its UID afterwards. */
  readonly kept: boolean;
}

/** An operator that ended without having been killed. */
export interface OperatorEnd {
  readonly pid: number;
  readonly exitCode: number;
  /** It said that it no longer leads. */
  readonly lost: boolean;
}

export interface ClusterFacts {
  readonly outages: readonly Outage[];
  readonly operatorEnds: readonly OperatorEnd[];
  /** Instance of the operator that runs. */
  readonly operator: string;
  /** Instance that holds the leaders' Lease; empty: nobody; null: there is no Lease. */
  readonly leaseHolder: string | null;
  /** Names of Leases beside that one. */
  readonly otherLeases: readonly string[];
  /** Instances whose commands agents answered, by UID and fence. */
  readonly commanders: ReadonlyMap<string, readonly string[]>;
  /** Programs beside the two of the control plane. */
  readonly strays: readonly string[];
  /** Connections of the operator to the API server that it should have closed. */
  readonly connections: readonly string[];
}
