import { z } from 'zod';
import type { PatchOperation } from '../kube/json-patch.ts';
import type { KubeTransport } from '../kube/transport.ts';
import type { Trust } from './keeper.ts';

const DEADLINE_MS = 10_000;
const RESOURCE = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';

const configuration = z.object({
  webhooks: z
    .array(z.object({ name: z.string(), clientConfig: z.object({ caBundle: z.string().nullish() }) }))
    .nullish(),
});

/** The caBundle of every webhook of one ValidatingWebhookConfiguration, which has to exist; the chart makes it. */
export class WebhookTrust implements Trust {
  readonly #transport: Pick<KubeTransport, 'request'>;
  readonly #path: string;

  constructor(transport: Pick<KubeTransport, 'request'>, name: string) {
    this.#transport = transport;
    this.#path = `${RESOURCE}/${encodeURIComponent(name)}`;
  }

  /** @throws as `KubeTransport.request` */
  async publish(bundle: string, signal: AbortSignal): Promise<boolean> {
    const read = { method: 'GET', path: this.#path, deadlineMs: DEADLINE_MS } as const;
    const { webhooks } = configuration.parse(await this.#transport.request(read, signal));
    const wanted = Buffer.from(bundle, 'utf8').toString('base64');
    const patch = (webhooks ?? []).flatMap(({ name, clientConfig }, index): PatchOperation[] => {
      if (clientConfig.caBundle === wanted) return [];
      const path = `/webhooks/${index}`;
      return [
        { op: 'test', path: `${path}/name`, value: name },
        { op: 'add', path: `${path}/clientConfig/caBundle`, value: wanted },
      ];
    });
    if (patch.length === 0) return true;
    const write = { method: 'PATCH', path: this.#path, body: patch } as const;
    const contentType = 'application/json-patch+json';
    await this.#transport.request({ ...write, contentType, deadlineMs: DEADLINE_MS }, signal);
    return false;
  }
}
