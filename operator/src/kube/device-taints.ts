import { createHash } from 'node:crypto';
import type { InventoryDevice } from '@transship/crds';
import { z } from 'zod';
import type { Clock, Log } from '../reconcile/ports.ts';
import { KubeApiError } from './api-error.ts';
import { discoverDra, type DraApi } from './dra-api.ts';
import { listAll } from './list-all.ts';
import type { KubeTransport } from './transport.ts';

/** Key of the taint; its value is the code of the quarantine. */
export const TAINT = 'transship.dev/quarantined';
/** By which rules of ours are found. */
const MANAGED = { label: 'app.kubernetes.io/managed-by', by: 'transship-operator' } as const;
/** Which device a rule is for; names of nodes and devices may be longer than a label. */
const NODE = 'transship.dev/node';
const DEVICE = 'transship.dev/device';

const DEADLINE_MS = 10_000;
/** A cluster that is upgraded serves another version. */
const DISCOVER_EVERY_MS = 10 * 60_000;

const text = z.object({ string: z.string().optional() });
const slice = z.object({
  spec: z.object({
    driver: z.string(),
    pool: z.object({ name: z.string() }),
    devices: z
      .array(z.object({ name: z.string(), attributes: z.record(z.string(), text).optional() }))
      .nullish(),
  }),
});
const rule = z.object({
  metadata: z.object({ name: z.string(), annotations: z.record(z.string(), z.string()).optional() }),
});

/** The rules of ours that a cluster has, as they were listed once. */
export interface TaintRules {
  readonly api: DraApi;
  readonly all: readonly { readonly name: string; readonly node: string; readonly device: string }[];
}

/** A device as its DRA driver publishes it. */
interface DraDevice {
  readonly driver: string;
  readonly pool: string;
  readonly device: string;
}

/**
 * Keeps DRA devices that are in quarantine from new pods: a DeviceTaintRule (NoSchedule) for each, found by its PCI address,
 * until the quarantine ends. Does nothing where the cluster serves no such rules.
 */
export class DeviceTaints {
  readonly #transport: Pick<KubeTransport, 'request'>;
  readonly #clock: Clock;
  readonly #log: Log;
  #api: DraApi | null = null;
  #discoveredAt = Number.NEGATIVE_INFINITY;

  constructor(transport: Pick<KubeTransport, 'request'>, clock: Clock, log: Log) {
    this.#transport = transport;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Every rule of ours; null: the cluster serves none. One list does for any number of nodes.
   * @throws as `KubeTransport.request`
   */
  async rules(signal: AbortSignal): Promise<TaintRules | null> {
    const api = await this.#discovered(signal);
    if (api === null) return null;
    const query = { labelSelector: `${MANAGED.label}=${MANAGED.by}` };
    const found = await listAll(this.#transport, api.rules, rule, query, signal);
    const all = found.flatMap(({ metadata: { name, annotations = {} } }) => {
      const node = annotations[NODE] ?? '';
      // One that somebody else made under our label is theirs.
      return node === '' ? [] : [{ name, node, device: annotations[DEVICE] ?? '' }];
    });
    return { api, all };
  }

  /**
   * Makes the rules of a node be those that its devices need. `rules`: as they were listed just now.
   * @throws as `KubeTransport.request`
   */
  async settle(
    { api, all }: TaintRules,
    nodeName: string,
    devices: readonly InventoryDevice[],
    signal: AbortSignal,
  ): Promise<void> {
    const withheld = devices.filter(({ health }) => health === 'Quarantined');
    const addressed = withheld.filter(({ pciAddress }) => pciAddress !== undefined);
    const published = addressed.length === 0 ? new Map() : await this.#published(api, nodeName, signal);
    const wanted = addressed.flatMap((device) =>
      (published.get(device.pciAddress ?? '') ?? []).map((known: DraDevice) =>
        ruleObject(api, nodeName, device, known),
      ),
    );
    const existing = all.filter(({ node }) => node === nodeName);
    for (const object of wanted) {
      if (!existing.some(({ name }) => name === object.metadata.name))
        await this.#create(api, object, signal);
    }
    const names = new Set(wanted.map(({ metadata }) => metadata.name));
    const replaced = new Set(wanted.map(({ metadata }) => metadata.annotations[DEVICE]));
    const ids = new Set(withheld.map(({ id }) => id));
    for (const { name, device } of existing) {
      // A driver that publishes nothing at the moment does not end a quarantine.
      if (names.has(name) || (ids.has(device) && !replaced.has(device))) continue;
      await this.#remove(api, name, signal);
    }
  }

  async #discovered(signal: AbortSignal): Promise<DraApi | null> {
    const now = this.#clock.now();
    if (now - this.#discoveredAt < DISCOVER_EVERY_MS) return this.#api;
    this.#api = await discoverDra(this.#transport, signal);
    this.#discoveredAt = now;
    return this.#api;
  }

  /** DRA devices of a node by their PCI address; drivers may publish one device in several ways. */
  async #published({ slices }: DraApi, node: string, signal: AbortSignal): Promise<Map<string, DraDevice[]>> {
    const byAddress = new Map<string, DraDevice[]>();
    const query = { fieldSelector: `spec.nodeName=${node}` };
    for (const { spec } of await listAll(this.#transport, slices, slice, query, signal)) {
      for (const { name, attributes } of spec.devices ?? []) {
        const address = attributes?.['resource.kubernetes.io/pciBusID']?.string;
        if (address === undefined) continue;
        const known = { driver: spec.driver, pool: spec.pool.name, device: name };
        byAddress.set(address, [...(byAddress.get(address) ?? []), known]);
      }
    }
    return byAddress;
  }

  async #create({ rules }: DraApi, body: RuleObject, signal: AbortSignal): Promise<void> {
    const request = { method: 'POST', path: rules, body, deadlineMs: DEADLINE_MS } as const;
    // Another operator was faster.
    await ignoring(409, this.#transport.request(request, signal));
    this.#log.info({ rule: body.metadata.name, ...body.spec.deviceSelector }, 'a DRA device is tainted');
  }

  async #remove({ rules }: DraApi, name: string, signal: AbortSignal): Promise<void> {
    const path = `${rules}/${encodeURIComponent(name)}`;
    await ignoring(404, this.#transport.request({ method: 'DELETE', path, deadlineMs: DEADLINE_MS }, signal));
    this.#log.info({ rule: name }, 'a DRA device is tainted no longer');
  }
}

type RuleObject = ReturnType<typeof ruleObject>;

function ruleObject({ rules }: DraApi, nodeName: string, { id, quarantine }: InventoryDevice, on: DraDevice) {
  const version = rules.split('/')[3] ?? '';
  const whose = JSON.stringify([nodeName, id, on]);
  return {
    apiVersion: `resource.k8s.io/${version}`,
    kind: 'DeviceTaintRule',
    metadata: {
      name: `transship-${createHash('sha256').update(whose).digest('hex').slice(0, 24)}`,
      labels: { [MANAGED.label]: MANAGED.by },
      annotations: { [NODE]: nodeName, [DEVICE]: id },
    },
    spec: {
      deviceSelector: on,
      taint: { key: TAINT, value: quarantine?.code ?? '', effect: 'NoSchedule' },
    },
  };
}

async function ignoring(httpStatus: number, request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!(error instanceof KubeApiError) || error.httpStatus !== httpStatus) throw error;
  }
}
