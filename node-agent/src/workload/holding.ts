/** Whether anybody but the agent has devices of a workload: who has them may use them, whatever serves its hook. */
export type Holding =
  | { readonly kind: 'nobody' }
  /** `by`: for people, such as `process 4711 (trainer)`. */
  | { readonly kind: 'held'; readonly by: string }
  | { readonly kind: 'unknown'; readonly why: string };

/** What the broker tells of one device; see device/broker.ts. */
export interface HeldDevice {
  readonly holders: readonly { readonly pid: number; readonly comm: string; readonly role: string }[];
  /** Unless true there may be holders that the broker does not know of; one that is older than this agent does not tell. */
  readonly holdersKnown?: boolean;
  /** Why the device is not open, or null. */
  readonly error: string | null;
}

/**
 * Who has these devices of the broker. Devices of a vfio-user server need no asking: it serves one client, the agent.
 * Never rejects.
 */
export async function holdingOf(
  names: readonly string[],
  entry: (name: string) => Promise<HeldDevice>,
): Promise<Holding> {
  try {
    const entries = await Promise.all(names.map(entry));
    for (const { holders } of entries) {
      const other = holders.find(({ role }) => role !== 'agent');
      if (other !== undefined) return { kind: 'held', by: `process ${other.pid} (${other.comm})` };
    }
    const unsure = entries.find(({ error, holdersKnown }) => error !== null || holdersKnown !== true);
    if (unsure === undefined) return { kind: 'nobody' };
    return { kind: 'unknown', why: unsure.error ?? doubtOf(unsure) };
  } catch (error) {
    return { kind: 'unknown', why: `the broker: ${(error as Error).message}` };
  }
}

const doubtOf = ({ holdersKnown }: HeldDevice): string =>
  holdersKnown === false
    ? 'the broker was started after they were given out'
    : 'the broker is older than this agent and does not know; workloads that end are waited for until it is replaced';
