import type { TraceStep } from './trace.ts';
import type { Side, World } from './world.ts';

/** A side in a line: the session's phase, each device, the workload. */
function sideText({ agent, devices, workload, whole }: Side): string {
  const phase = agent === null ? 'no session' : agent.session.phase;
  const each = devices.map(({ state, contents, silent, other }, index) => {
    const bound = agent?.session.devices[index];
    const to = agent?.live.devices[index]?.op;
    const marks = [
      contents === null ? 'empty' : contents.flawed ? 'flawed' : '',
      to === null || to === undefined ? '' : to.kind === 'reset' ? 'being reset' : `going to ${to.to}`,
      bound?.lost === true ? 'lost' : '',
      bound?.quarantined === true ? 'in quarantine' : '',
      silent ? 'silent' : '',
      other ? "another migration's" : '',
    ].filter((mark) => mark !== '');
    return marks.length === 0 ? state : `${state} (${marks.join(', ')})`;
  });
  return `${phase}; devices ${each.join(', ')}; workload ${workload}${whole ? '' : ' without the state'}`;
}

const recordText = ({ record }: World): string =>
  record.vanished
    ? '404'
    : `fence ${record.fence}, ${record.stopping ? 'stopping, ' : ''}${record.decision}` +
      (record.outcome === null || !record.ended
        ? ''
        : `, ended ${record.outcome.phase}${record.outcome.code === null ? '' : ` (${record.outcome.code})`}`);

/**
 * A trace for people: each step a numbered sentence, `!` where it is a fault; and behind every step that changed them,
 * the record and the sides as they are then. Steps that only sent something, or only heard of it, stand alone.
 */
export function tell(what: string, trace: readonly TraceStep[]): string {
  const lines = [`violates ${what}`];
  let before: readonly string[] = [];
  trace.forEach(({ label, fault, world }, index) => {
    const last = index === trace.length - 1;
    lines.push(`${String(index + 1).padStart(4)}. ${fault === null ? ' ' : '!'} ${label}`);
    const now = [
      `record: ${recordText(world)}`,
      `source: ${sideText(world.source)}`,
      `target: ${sideText(world.target)}`,
    ];
    for (const [at, line] of now.entries()) {
      const phase = (text: string | undefined): string | undefined => text?.split(';')[0];
      const changed = at === 0 ? line !== before[at] : phase(line) !== phase(before[at]);
      if (last || (index > 0 && changed)) lines.push(`           ${line}`);
    }
    before = now;
  });
  return lines.join('\n');
}
