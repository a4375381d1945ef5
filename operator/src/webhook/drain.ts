import { BudgetCluster } from '../budgets/cluster.ts';
import { BudgetKeeper } from '../budgets/keeper.ts';
import { CertificateKeeper } from '../certificates/keeper.ts';
import type { Pair } from '../certificates/pair.ts';
import { CertificateSecret, type SecretKey } from '../certificates/secret.ts';
import { ServingCertificate } from '../certificates/source.ts';
import { WebhookTrust } from '../certificates/trust.ts';
import type { Companion } from '../door.ts';
import type { KubeTransport } from '../kube/transport.ts';
import type { Clock, Log } from '../reconcile/ports.ts';
import { Admission, type Answer } from './admission.ts';
import { EvictionCluster } from './cluster.ts';
import { EvacuationCluster } from './evacuations.ts';
import { WebhookServer } from './server.ts';
import { UncordonWatch } from './uncordon.ts';

export interface DrainOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Holds the certificates. */
  readonly secret: SecretKey;
  /** Name of the ValidatingWebhookConfiguration. */
  readonly configuration: string;
  /** DNS names and addresses by which the API server calls. */
  readonly names: readonly string[];
  /** Counts the answers. */
  readonly answered?: (verdict: Answer) => void;
}

/** Turns evictions into migrations: the webhook on every replica, and what only the leader does beside it. */
export class Drain implements Companion {
  /** The webhook listens. */
  readonly ready = { webhook: (): boolean => this.#server !== null };
  readonly #options: DrainOptions;
  readonly #transport: KubeTransport;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #secret: CertificateSecret;
  readonly #admission: Admission;
  #server: WebhookServer | null = null;

  constructor(options: DrainOptions, transport: KubeTransport, clock: Clock, log: Log) {
    this.#options = options;
    this.#transport = transport;
    this.#clock = clock;
    this.#log = log;
    this.#secret = new CertificateSecret(transport, options.secret);
    const cluster = new EvictionCluster(transport);
    const guard = new BudgetCluster(transport);
    const answered = options.answered ?? (() => undefined);
    this.#admission = new Admission({ cluster, guard, clock, log, answered });
  }

  /** Serves the webhook, also while another process leads. Resolves once aborted; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const certificate = new ServingCertificate(this.#secret, this.#clock, this.#log);
    await certificate.run((serving) => this.#serve(serving), signal);
    const server = this.#server;
    this.#server = null;
    await server?.[Symbol.asyncDispose]();
  }

  /** Keeps certificates and budgets, and cancels what an uncordoned node makes needless. Resolves once aborted. */
  async lead(signal: AbortSignal): Promise<void> {
    const { configuration, names } = this.#options;
    const shared = { clock: this.#clock, log: this.#log };
    const trust = new WebhookTrust(this.#transport, configuration);
    await Promise.all([
      new CertificateKeeper({ ...shared, secret: this.#secret, trust, names }).run(signal),
      new BudgetKeeper({ ...shared, cluster: new BudgetCluster(this.#transport) }).run(signal),
      new UncordonWatch({ ...shared, cluster: new EvacuationCluster(this.#transport) }).run(signal),
    ]);
  }

  async #serve(serving: Pair): Promise<void> {
    if (this.#server !== null) {
      this.#server.replace(serving);
      this.#log.info({}, 'the webhook has a new certificate');
      return;
    }
    const { host, port } = this.#options;
    const answer = this.#admission.answer.bind(this.#admission);
    this.#server = await WebhookServer.listen({ host, port, serving, answer });
    this.#log.info({ webhookPort: this.#server.port }, 'the webhook listens');
  }
}
