import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { isTombstone } from '@transship/node-agent/internal/core/phase';
import type { Session } from '@transship/node-agent/internal/core/session';
import { endedStreams, totalsOf } from '../../../support/core-facts.ts';
import { AgentInMemory } from '../support/agent-in-memory.ts';
import { FailingDisk, type When } from '../support/failing-disk.ts';
import { FakeDevice } from '../support/fake-device.ts';
import { FakeFreezer } from '../support/fake-freezer.ts';
import { settle } from '../support/manual-clock.ts';

type Role = 'source' | 'target';
type Turn = (agent: AgentInMemory) => Promise<unknown>;

const TOTALS = totalsOf(2, 1);
const taken: Readonly<Record<Role, Turn>> = {
  source: (agent) => Promise.resolve(agent.streams.saves.at(-1)?.listener.onProgress(endedStreams(TOTALS))),
  target: (agent) => {
    agent.freezer.now = 'frozen';
    return Promise.resolve(agent.streams.loads.at(-1)?.listener.onProgress(endedStreams(TOTALS)));
  },
};

/** Every order of a set that is moved, to either side, and the acknowledgement of the last byte of all its streams. */
const TURNS: Readonly<Record<Role, readonly Turn[]>> = {
  source: [
    (agent) => agent.prepareSource(),
    (agent) => agent.send('source', { kind: 'preCopy', generation: 1 }),
    (agent) => agent.send('source', { kind: 'quiesce', timeoutMs: 60_000, waitOnTimeout: false }),
    (agent) => agent.send('source', { kind: 'stop', generation: 1 }),
    taken.source,
    (agent) => agent.send('source', { kind: 'release', decision: 'Commit' }),
  ],
  target: [
    (agent) => agent.prepareTarget(),
    taken.target,
    (agent) => agent.send('target', { kind: 'verify', generation: 1, expected: TOTALS }),
    (agent) => agent.send('target', { kind: 'activate', decision: 'Commit' }),
  ],
};

/** What an agent had told, and what it had given and taken, when the power failed. */
interface Before {
  readonly told: Session['phase'] | null;
  readonly agent: AgentInMemory;
}

/** Takes turns until the power fails. */
async function until(role: Role, disk: FailingDisk): Promise<Before> {
  const agent = new AgentInMemory(
    [FakeDevice.healthy('a/0'), FakeDevice.healthy('a/1')],
    FakeFreezer.healthy(),
    undefined,
    disk,
  );
  for (const turn of TURNS[role]) {
    void turn(agent).catch(() => undefined);
    await settle();
    if (disk.hasFailed) break;
  }
  const told = agent.session()?.phase ?? null;
  agent.registry.stop();
  await settle();
  return { told, agent };
}

async function restarted({ agent }: Before, disk: FailingDisk): Promise<AgentInMemory> {
  const next = new AgentInMemory(agent.devices, agent.freezer, undefined, disk);
  await next.registry.recover();
  await settle();
  return next;
}

/** Phases in their order: where an agent may be found that had told one of them. */
const COURSE: Readonly<Record<Role, readonly Session['phase'][]>> = {
  source: [
    'Prepared',
    'PreCopying',
    'PreCopy',
    'Quiescing',
    'Quiesced',
    'Stopping',
    'Stopped',
    'Releasing',
    'Released',
  ],
  target: ['Preparing', 'Loading', 'Verifying', 'Verified', 'Activating', 'Starting', 'Active'],
};

/** How many calls of the disk a whole voyage takes. */
async function callsOf(role: Role): Promise<number> {
  const disk = new FailingDisk(Infinity, 'before');
  const { told } = await until(role, disk);
  expect(told).toBe(role === 'source' ? 'Released' : 'Active');
  return disk.calls;
}

describe.each(['source', 'target'] as const)('a %s whose power fails at any call of its disk', (role) => {
  test.each(['before', 'empty', 'torn', 'after'] satisfies When[])('(%s)', async (when) => {
    const calls = await callsOf(role);
    expect(calls).toBeGreaterThan(15);
    const wrong: string[] = [];
    for (let at = 1; at <= calls; at += 1) {
      for (const isUndone of [false, true]) {
        const failing = new FailingDisk(at, when);
        const before = await until(role, failing);
        const next = await restarted(before, failing.after(isUndone));
        const found = [...disagreements(role, before, next), ...(await hindrances(role, next))];
        wrong.push(...found.map((why) => `call ${at} of ${calls}, names undone: ${isUndone}: ${why}`));
      }
    }
    expect(wrong).toEqual([]);
  });
});

/** What the journal says against what was told, what the devices are, and what streams had moved. */
function* disagreements(role: Role, { told }: Before, next: AgentInMemory): Generator<string, void> {
  const errors = next.log.lines.filter(({ level }) => level === 'error');
  if (errors.length > 0) yield `the journal is not as it should be: ${JSON.stringify(errors)}`;
  for (const { id } of next.devices) if (next.registry.quarantined(id)) yield `no journal explains ${id}`;
  // Bytes of a generation that was under way are never counted from a journal: it is begun anew, or it is whole.
  if (next.streams.saves.length + next.streams.loads.length > 0) yield 'streams were taken up again';
  const session = next.session();
  if (told === null) return;
  if (session === null) {
    yield `told ${told}, and nothing is known of it`;
    return;
  }
  const course = COURSE[role];
  const [was, is] = [course.indexOf(told), course.indexOf(session.phase)];
  // A source that has not promised anything turns round when it starts again.
  const hasTurned = is < 0 && session.phase === 'RolledBack' && was < course.indexOf('Stopping');
  if (is < was && !hasTurned) yield `told ${told}, and found ${session.phase}`;
  if (session.phase === 'Stopped' && !isDeepStrictEqual(session.promised, TOTALS))
    yield `promised ${JSON.stringify(session.promised)}`;
}

/** Whatever stands in the journal, an operator gets the set to an end from there. */
async function hindrances(role: Role, next: AgentInMemory): Promise<string[]> {
  const found: string[] = [];
  const phase = next.session()?.phase ?? 'Fenced';
  const command = endOf(role, phase);
  const { refusal } = await next.sendAs({ fence: 2, sequence: 1 }, role, command);
  await settle();
  if (refusal !== null) found.push(`${command.kind} from ${phase} is refused: ${refusal.message}`);
  const end = next.session()?.phase ?? 'Fenced';
  if (!isTombstone(end) && end !== 'Fenced') found.push(`${command.kind} from ${phase} leads to ${end}`);
  const states = next.devices.map(({ state }) => state);
  if (states.some((state) => state !== 'Running'))
    found.push(`from ${phase} the devices end ${states.join(', ')}`);
  return found;
}

function endOf(role: Role, phase: Session['phase']): Parameters<AgentInMemory['sendAs']>[2] {
  if (phase === 'Fenced') return { kind: 'attach' };
  if (['Stopped', 'Releasing', 'Released'].includes(phase)) return { kind: 'release', decision: 'Commit' };
  if (['Verified', 'Activating', 'Starting', 'Active'].includes(phase))
    return { kind: 'activate', decision: 'Commit' };
  return role === 'source' ? { kind: 'rollBack', decision: 'Abort' } : { kind: 'discard', decision: 'Abort' };
}
