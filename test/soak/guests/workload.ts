import type { KernelNode } from '../../kernel/voyage/node.ts';

/** The workload of examples/workload/node as it says of itself, a line whenever its state changes. */
export interface WorkloadReport {
  /** Its last state; null: it has never changed. */
  readonly state: string | null;
  /** What it held when it was last frozen, or had been loaded; null: it never was. */
  readonly frozen: { readonly counter: number; readonly digest: string } | null;
  /** Devices that it was told have lost their state. */
  readonly blank: readonly string[];
}

interface Line {
  readonly state: string;
  readonly counter: number;
  readonly digest: string;
  readonly blank: readonly string[];
}

export async function workloadOf({ workload }: KernelNode): Promise<WorkloadReport> {
  return readWorkload(await workload.log());
}

/** @param log its standard output; what is no JSON is somebody else's */
export function readWorkload(log: string): WorkloadReport {
  const lines = log
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);
  const last = lines.at(-1);
  const frozen = lines.findLast(({ state }) => state === 'STATE_FROZEN');
  return {
    state: last?.state ?? null,
    frozen: frozen === undefined ? null : { counter: frozen.counter, digest: frozen.digest },
    blank: last?.blank ?? [],
  };
}
