import type { DeviceMigrationManifest } from '@transship/crds';

type Spec = DeviceMigrationManifest['spec'];

export interface ManifestOptions {
  /** Indexes of the source's devices, in the order of the set; default: the first four. */
  readonly devices?: readonly number[];
  /** Indexes of the target's devices that they go to; default: any that fit. */
  readonly onto?: readonly number[];
  /** Default: the set goes from gpu-a to gpu-b. */
  readonly from?: string;
  readonly to?: string;
  /** Unless it says otherwise, devices may take as long to become quiet as a busy machine makes them. */
  readonly strategy?: Spec['strategy'];
  readonly recovery?: Spec['recovery'];
}

const idsOf = (node: string, indexes: readonly number[]): string[] =>
  indexes.map((index) => `${node}/${index}`);

/** A manifest between the two nodes of the tests. */
export function migrationManifest(name: string, options: ManifestOptions = {}): DeviceMigrationManifest {
  const { devices = [0, 1, 2, 3], onto, from = 'gpu-a', to = 'gpu-b', strategy, recovery } = options;
  return {
    apiVersion: 'transship.dev/v1alpha1',
    kind: 'DeviceMigration',
    metadata: { name, namespace: 'default' },
    spec: {
      source: { nodeName: from, devices: idsOf(from, devices) },
      target: { nodeName: to, ...(onto === undefined ? {} : { devices: idsOf(to, onto) }) },
      strategy: { quiesceTimeout: '5m', ...strategy },
      ...(recovery === undefined ? {} : { recovery }),
    },
  };
}
