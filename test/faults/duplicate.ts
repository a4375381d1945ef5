/** Delivers a command a second time: the same fenced command, from another connection. */
import type { CommandRequest, Role, SessionSnapshot } from '@transship/node-agent/contract';
import type { Scene } from './injection.ts';
import { linesOf } from './logs.ts';
import type { FaultNode } from './rig/fault-node.ts';

/** As the operator logs a command that was answered. */
interface Answered {
  readonly uid: string;
  readonly role: Role;
  readonly command: string;
  readonly fence: number;
  readonly sequence: number;
  readonly instance: string;
}

const CALL_MS = 60_000;

/**
 * Sends to each agent the command that it answered last, once more under its own number and once under an older one.
 * @returns what the agents said, or null when one of them acted on it
 */
export async function duplicate({ rig, watch }: Scene): Promise<string | null> {
  const said: string[] = [];
  for (const role of ['source', 'target'] as const) {
    const answered = lastAnswered(await rig.operatorLog(), watch.uid, role);
    const before = watch.session(role);
    if (answered === null || before === null) continue;
    const { client } = rig[role];
    for (const sequence of [answered.sequence, Math.max(0, answered.sequence - 1)]) {
      const request = requestOf({ ...answered, sequence }, before, rig.source);
      if (request === null) continue;
      const { session, refusal } = await client.command(request, 0, AbortSignal.timeout(CALL_MS));
      // Repeated: the session as it is. Older than what was taken since: refused as that, and nothing else.
      const harmless = refusal === null ? session.sequence >= sequence : refusal.code === 'StaleSequence';
      if (!harmless || session.phase !== before.phase) return null;
      said.push(`${role} ${answered.command} ${sequence}: ${refusal?.code ?? 'repeated its answer'}`);
    }
  }
  return said.length === 0 ? null : said.join('; ');
}

function lastAnswered(log: string, uid: string, role: Role): Answered | null {
  const all = linesOf<Answered>(log, uid, 'agent answered').filter((one) => one.role === role);
  return all.at(-1) ?? null;
}

/** The command as the operator must have sent it; null for one that this step cannot have seen. */
function requestOf(
  { uid, role, command, fence, sequence, instance }: Answered,
  { generation, devices, ticket, streams, decision }: SessionSnapshot,
  from: FaultNode,
): CommandRequest | null {
  const header = { uid, fence, sequence, operator: instance };
  const ids = devices.map(({ id }) => id);
  switch (command) {
    case 'attach':
      return { header, role, command: { kind: 'attach' } };
    case 'prepare':
      // A refused one leaves a session that does not know what it was to bind.
      if (ids.length === 0) return null;
      return role === 'source'
        ? { header, role, command: { kind: 'prepare', generation, devices: ids } }
        : {
            header,
            role,
            command: {
              kind: 'prepare',
              generation,
              devices: ids,
              pull: { endpoint: from.transfer.endpoint, node: from.node, ticket, bandwidthLimit: 0 },
            },
          };
    case 'preCopy':
      return { header, role, command: { kind: 'preCopy', generation } };
    case 'quiesce':
      return { header, role, command: { kind: 'quiesce', timeoutMs: 300_000, waitOnTimeout: false } };
    case 'stop':
      return { header, role, command: { kind: 'stop', generation } };
    case 'verify': {
      const expected = streams.map(({ totals }) => totals);
      return { header, role, command: { kind: 'verify', generation, expected } };
    }
    case 'activate':
    case 'release':
      return { header, role, command: { kind: command, decision } };
    default:
      return null;
  }
}
