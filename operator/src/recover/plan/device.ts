import type { FoundDevice } from './found.ts';
import { type Plan, refused } from './step.ts';

/** A device in quarantine goes through the recovery of its node, RESET first, and is handed out again. */
export function planDevice(found: FoundDevice, device: string): Plan {
  const { node } = found;
  if (found.kind === 'silent')
    return refused(`the agent of ${node} does not answer, and only it can reset ${device}`);
  if (found.kind === 'unknown') return refused(`${node} has no device ${device}`);
  const { boundBy, quarantine } = found;
  if (quarantine === null && found.health === 'Quarantined')
    return refused(`the agent of ${node} is of an older version, which cannot end a quarantine; update it`);
  if (quarantine === null)
    return refused(`${device} is not in quarantine: it is ${found.health} and ${found.state}`);
  if (boundBy !== '')
    return refused(
      `${device} belongs to the migration ${boundBy}, which has not ended; end that first with \`transship recover\``,
    );
  const losses = [`whatever ${device} still holds: it is reset`];
  const uid = quarantine.migrationUid;
  return { kind: 'steps', steps: [{ kind: 'endQuarantine', node, device, uid }], losses };
}
