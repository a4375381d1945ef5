import { z } from 'zod';
import { KubeApiError } from './api-error.ts';
import type { KubeTransport } from './transport.ts';

const GROUP = '/apis/resource.k8s.io';
const DEADLINE_MS = 10_000;
/** Newest first. Rules are beta and off by default in 1.36, stable in 1.37; slices of v1beta1 have another shape. */
const RULE_VERSIONS = ['v1', 'v1beta2', 'v1alpha3'];
const SLICE_VERSIONS = ['v1', 'v1beta2'];

/** Paths of the collections that a cluster serves. */
export interface DraApi {
  /** DeviceTaintRules. */
  readonly rules: string;
  /** ResourceSlices. */
  readonly slices: string;
}

const group = z.object({ versions: z.array(z.object({ version: z.string() })) });
const resources = z.object({ resources: z.array(z.object({ name: z.string() })) });

/**
 * Where the cluster serves rules that taint devices and the slices that list them; null: it does not.
 * @throws as `KubeTransport.request`
 */
export async function discoverDra(
  transport: Pick<KubeTransport, 'request'>,
  signal: AbortSignal,
): Promise<DraApi | null> {
  const get = async (path: string): Promise<unknown> => {
    try {
      return await transport.request({ method: 'GET', path, deadlineMs: DEADLINE_MS }, signal);
    } catch (error) {
      if (error instanceof KubeApiError && error.httpStatus === 404) return null;
      throw error;
    }
  };
  const served = await get(GROUP);
  if (served === null) return null;
  const versions = group.parse(served).versions.map(({ version }) => version);
  const find = async (wanted: readonly string[], resource: string): Promise<string | null> => {
    for (const version of wanted.filter((candidate) => versions.includes(candidate))) {
      const listed = await get(`${GROUP}/${version}`);
      if (listed === null) continue;
      const isServed = resources.parse(listed).resources.some(({ name }) => name === resource);
      if (isServed) return `${GROUP}/${version}/${resource}`;
    }
    return null;
  };
  const rules = await find(RULE_VERSIONS, 'devicetaintrules');
  const slices = rules === null ? null : await find(SLICE_VERSIONS, 'resourceslices');
  return rules === null || slices === null ? null : { rules, slices };
}
