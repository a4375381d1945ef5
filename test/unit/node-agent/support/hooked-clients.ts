import { HOOK_DEADLINES, HookFreezer } from '@transship/node-agent/internal/workload/hook-freezer';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Holding } from '@transship/node-agent/internal/workload/holding';
import { HookServer } from './hook-server.ts';

/** Long enough never to be what ends a call, unless a test shortens one of them. */
const PATIENT = Object.fromEntries(
  Object.keys(HOOK_DEADLINES).map((key) => [key, 60_000]),
) as typeof HOOK_DEADLINES;

const NAMES = {
  nameOf: (id: string): string => `name of ${id}`,
  idOf: (name: string): string => name.replace(/^name of /u, ''),
};

/** Hooks of one test and the clients of them. */
export class HookedClients {
  readonly #servers: HookServer[] = [];
  /** Who has devices of these workloads, beside the agent. */
  holding: Holding = { kind: 'nobody' };

  /** A client of a new hook that answers like this. Devices are called `name of ID` there. */
  async of(
    methods: UntypedServiceImplementation,
    deadlines: Partial<typeof HOOK_DEADLINES> = {},
  ): Promise<HookFreezer> {
    const server = await HookServer.serving(methods);
    this.#servers.push(server);
    return new HookFreezer({
      socketPath: server.socketPath,
      names: NAMES,
      held: () => Promise.resolve(this.holding),
      deadlines: { ...PATIENT, ...deadlines },
    });
  }

  /** The hooks of this test so far are killed. */
  die(): void {
    for (const server of this.#servers) server.die();
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.splice(0).map((server) => server.close()));
  }
}
