import { INCOMING_ANNOTATION } from '@transship/crds';

/** As much of a pod as the stand-in looks at. */
export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly deletionGracePeriodSeconds?: number;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly nodeName?: string;
    readonly restartPolicy?: 'Always' | 'OnFailure' | 'Never';
    readonly containers: readonly Container[];
  };
  readonly status?: { readonly phase?: string };
}

interface Container {
  readonly name: string;
  readonly image?: string;
  readonly resources?: { readonly limits?: Readonly<Record<string, string>> };
}

/** Whether a container that starts now is told to wait for a workload that comes in. */
export const isIncoming = ({ metadata }: Pod): boolean =>
  metadata.annotations?.[INCOMING_ANNOTATION] === 'true';

/** How many devices of a resource each of its containers asks for; without those that ask for none. */
export function requested({ spec }: Pod, resource: string): { container: string; count: number }[] {
  return spec.containers
    .map(({ name, resources }) => ({ container: name, count: Number(resources?.limits?.[resource] ?? 0) }))
    .filter(({ count }) => count > 0);
}

export const isTerminal = ({ status }: Pod): boolean =>
  status?.phase === 'Succeeded' || status?.phase === 'Failed';
