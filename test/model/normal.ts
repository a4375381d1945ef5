import type { AgentState, Failure, SessionView } from '@transship/node-agent/core';
import type { Memory } from '@transship/operator/core';
import type { Operator, Record_, Side } from './world.ts';

/**
 * The normal form of each part: what no rule reads is left out, so that worlds which behave alike are one.
 *
 * - Words for people (messages of failures, the device they name) decide nothing.
 * - Of a device's incarnation only matters whether it is the one that the session knows.
 * - The devices of a side are interchangeable (no rule names one): they are sorted, with what their agent knows of
 *   them. So are those in an operator's memory; what it knows of one device it never relates to another side's.
 * - The deadline of a quiesce passes in Quiescing alone, and is set anew on the way there.
 * - An operator's memory keeps of a device's state only whether it answers: nothing else of it is decided on
 *   (states are for the status).
 */
export const normalRecord = (record: Record_): Record_ => ({
  ...record,
  reason: reasonOf(record.reason),
  outcome: normalOutcome(record.outcome),
  writes: record.writes.map(({ set, ...write }) => ({
    ...write,
    set: {
      ...set,
      ...(set.reason === undefined ? {} : { reason: reasonOf(set.reason) }),
      ...(set.outcome === undefined ? {} : { outcome: normalOutcome(set.outcome) }),
    },
  })),
});

const normalOutcome = (outcome: Record_['outcome']): Record_['outcome'] =>
  outcome === null ? null : { ...outcome, code: outcome.code === null ? null : codeOf(outcome.code) };

/** `Code: sentence` without the sentence. */
function reasonOf(reason: string | null): string | null {
  if (reason === null) return null;
  const code = /^([A-Z][A-Za-z]*): /u.exec(reason)?.[1];
  return code === undefined ? 'because' : `${codeOf(code)}: `;
}

/** Codes that something is decided on; what the others are called is for people. */
const TELLING: ReadonlySet<string> = new Set(['Cancelled', 'FenceConflict', 'TargetLost']);

const codeOf = (code: string): string => (TELLING.has(code) ? code : 'Failed');

const quiet = (why: Failure | null): Failure | null =>
  why === null ? null : { code: codeOf(why.code), message: '', device: null };

export const normalOperator = (operator: Operator): Operator => ({
  ...operator,
  memory: seen(operator.memory),
});

/** What an operator may remember of the sessions; also applied before a snapshot is compared. */
export function seen(memory: Memory): Memory {
  const side = (known: Memory['source']): Memory['source'] => {
    if (known.kind !== 'session') return known;
    const refusal = quiet(known.refusal);
    return { kind: 'session', session: normalView(known.session, refusal !== null), refusal };
  };
  return { ...memory, sequence: 0, source: side(memory.source), target: side(memory.target) };
}

/** The sequence is compared only to end a refusal. */
function normalView(view: SessionView, refused: boolean): SessionView {
  const devices = view.devices
    .map(
      (device) =>
        ({ ...device, id: '', state: device.state === 'Unknown' ? device.state : 'Running' }) as const,
    )
    .map((device) => ({ device, text: JSON.stringify(device) }))
    .toSorted(byText)
    .map(({ device }) => device);
  return {
    ...view,
    devices,
    error: quiet(view.error),
    sequence: refused ? view.sequence : 0,
    quiesceTimeouts: 0,
  };
}

const byText = (a: { readonly text: string }, b: { readonly text: string }): number =>
  a.text < b.text ? -1 : a.text > b.text ? 1 : 0;

export function normalSide(side: Side): Side {
  const { agent } = side;
  const of = side.devices.map((real, index) => {
    const bound = agent?.session.devices[index];
    const device = { ...real, incarnation: 1 };
    const same = bound?.incarnation === String(real.incarnation);
    const known = bound === undefined ? null : { ...bound, id: '', incarnation: same ? '1' : '0' };
    const live = agent?.live.devices[index] ?? null;
    return { device, bound: known, live, text: JSON.stringify([device, known, live]) };
  });
  of.sort(byText);
  const devices = of.map(({ device }) => device);
  if (agent === null) return { ...side, devices, quiesceArmed: false };
  const { session, live } = agent;
  const quiesceArmed = side.quiesceArmed && session.phase === 'Quiescing';
  const bound = session.devices.length > 0;
  const names = session.role === 'source' ? 'a' : 'b';
  const quietAgent: AgentState = {
    session: {
      ...session,
      devices: bound ? of.map(({ bound: known }, index) => ({ ...known!, id: `${names}/${index}` })) : [],
      error: quiet(session.error),
      quiesceTimeouts: 0,
    },
    live: { ...live, devices: bound ? of.map(({ live: known }) => known!) : [] },
  };
  return { ...side, devices, quiesceArmed, agent: quietAgent };
}
