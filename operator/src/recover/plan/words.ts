import type { DeviceSnapshot, SessionSnapshot } from '@transship/node-agent/contract';
import type { FoundDevice, FoundMigration, FoundOrphan } from './found.ts';
import type { Step } from './step.ts';

/** What was found, a line each, for a person. */
export function foundInWords(found: FoundMigration | FoundOrphan | FoundDevice): string[] {
  switch (found.kind) {
    case 'migration':
      return [
        recordInWords(found.record),
        ...(['source', 'target'] as const).map((role) => {
          const side = found[role];
          if (side.kind === 'silent') return `${role} ${side.node}: no answer (${side.failure.message})`;
          return `${role} ${side.node}: ${sessionInWords(side.session)}`;
        }),
      ];
    case 'orphan':
      return [
        found.record === null ? `object: none has the UID ${found.uid}` : recordInWords(found.record),
        ...found.nodes.flatMap((one) => {
          if (one.kind === 'silent') return [`${one.node}: no answer (${one.failure.message})`];
          return one.sessions.map((session) => `${session.role} ${one.node}: ${sessionInWords(session)}`);
        }),
      ];
    case 'silent':
      return [`${found.node}: no answer (${found.failure.message})`];
    case 'unknown':
      return [`${found.node}: has no such device`];
    case 'device':
      return deviceInQuarantine(found);
  }
}

function deviceInQuarantine(found: Extract<FoundDevice, { kind: 'device' }>): string[] {
  const { node, health, state, boundBy, quarantine } = found;
  const binder = boundBy === '' ? '' : `, belongs to the migration ${boundBy}`;
  const lines = [`device on ${node}: ${health}, ${state}${binder}`];
  if (quarantine === null) return lines;
  const { since, code, message, migrationUid, remedy } = quarantine;
  const whose = migrationUid === '' ? '' : ` of the migration ${migrationUid}`;
  return [...lines, `in quarantine${whose} since ${since}: ${code}: ${message}`, `what to do: ${remedy}`];
}

function recordInWords({ key, uid, status }: FoundMigration['record']): string {
  const name = key.namespace === '' ? key.name : `${key.namespace}/${key.name}`;
  const why = status.error === undefined ? '' : `, ${status.error.code}`;
  const end = status.completedAt === undefined ? 'not ended' : `ended ${status.completedAt}`;
  const stopped = status.stopping === undefined ? '' : `, source stopped ${status.stopping.at}`;
  return `object ${name} (${uid}): ${status.phase}${why}, ${end}, decision ${status.decision.value}${stopped}, fence ${status.fence}`;
}

function sessionInWords(session: SessionSnapshot): string {
  if (session.fence === 0) return 'knows nothing of it';
  const devices = session.devices.map(deviceInWords).join(', ');
  const error = session.error === null ? '' : `; first error ${session.error.code}: ${session.error.message}`;
  const seen = session.decision === 'Undecided' ? '' : `, has seen ${session.decision}`;
  return `${session.phase}${seen}, fence ${session.fence}${devices === '' ? '' : `; ${devices}`}${error}`;
}

function deviceInWords({ id, state, lost, quarantined }: DeviceSnapshot): string {
  const marks = [...(lost ? ['state lost'] : []), ...(quarantined ? ['in quarantine'] : [])];
  return `${id} ${state}${marks.length === 0 ? '' : ` (${marks.join(', ')})`}`;
}

/** One step as a sentence. */
export function stepInWords(step: Step): string {
  switch (step.kind) {
    case 'takeUp':
      return step.end === null
        ? `raise the fence of the object to ${step.fence}, so that nothing older is obeyed`
        : `raise the fence of the object to ${step.fence} and end it as Failed with ${step.end.code}, so that no operator goes on with it`;
    case 'claim':
      return `command under the fence ${step.fence}, which is above every one that was journalled`;
    case 'attach':
      return `make the agent of the ${step.role} ${step.node} refuse every lower fence`;
    case 'recordRevert':
      return 'record the decision Commit -> Revert, by hand';
    case 'recordSourceDead': {
      const then = step.runs ? 'ends the migration' : `starts the set on ${step.target}`;
      return `record that the source ${step.node} is dead, so that the operator ${then} without it, and says that it was not released`;
    }
    case 'commitSource':
      return `make the source on ${step.node} write down that its set runs at the target, so that only Revert brings it back`;
    case 'rollBackSource':
      return `let the set on ${step.node} run again: all devices to RunningP2P, then to Running, then thaw the workload`;
    case 'releaseSource':
      return `end the workload on ${step.node} while it is frozen, stop and RESET its devices, and free them`;
    case 'activateTarget':
      return `let the set on ${step.node} run: all devices to RunningP2P, then to Running, then thaw the workload`;
    case 'discardTarget':
      return step.silently === true
        ? `make the agent of ${step.node} give the set up for good, and RESET its devices when they answer`
        : `RESET the devices on ${step.node}, and free them`;
    case 'endQuarantine':
      return `RESET ${step.device} on ${step.node} and, when it is Running after that, hand it out again`;
    case 'markRecovered':
      return `write into the status how it came out: ${step.recovery}`;
  }
}
