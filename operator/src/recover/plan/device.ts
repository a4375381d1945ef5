import type { FoundDevice } from './found.ts';
import { type Plan, refused } from './step.ts';

/** A device in quarantine goes through the recovery of its node, RESET first, and is handed out again. */
export function planDevice(found: FoundDevice, device: string): Plan {
  const { node } = found;
  if (found.kind === 'silent')
    return refused(`the agent of ${node} does not answer, and only it can reset ${device}`);
  if (found.kind === 'unknown') return refused(`${node} has no device ${device}`);
  const { health, migrationUid, held } = found;
  if (health !== 'Quarantined')
    return refused(`${device} is not in quarantine: it is ${health} and ${found.state}`);
  if (held)
    return refused(
      `${device} is held by the migration ${migrationUid}, which has not ended; end that first with \`transship recover\``,
    );
  const losses = [`whatever ${device} still holds: it is reset`];
  return { kind: 'steps', steps: [{ kind: 'endQuarantine', node, device, uid: migrationUid }], losses };
}
