import { deviceMigrationStatus, type DecisionValue } from '@transship/crds';
import type { SessionSnapshot } from '@transship/node-agent/contract';
import type { SessionView } from '@transship/operator/core';
import type { StoredMigration } from '@transship/operator/internal/reconcile/ports';
import type {
  FoundMigration,
  FoundOrphan,
  NodeSessions,
  Side,
} from '@transship/operator/internal/recover/plan/found';
import type { Plan, Step } from '@transship/operator/internal/recover/plan/step';
import { FENCE, session } from '../core/fixture.ts';
import { MemoryStore } from '../reconcile/memory-store.ts';

export const UID = 'uid-1';
export const PROOF = 'somebody has seen that it is dead';

type Change = Partial<SessionView>;

/** A session of the migration of these tests. */
export const snapshot = (
  role: 'source' | 'target',
  phase: SessionView['phase'],
  change: Change = {},
): SessionSnapshot => ({
  ...session(role, phase, { uid: UID, ...change }),
  version: 1,
  agentInstance: 'agent',
});

export const at = (role: 'source' | 'target', phase: SessionView['phase'], change: Change = {}): Side => ({
  kind: 'session',
  node: role === 'source' ? 'gpu-a' : 'gpu-b',
  session: snapshot(role, phase, change),
});

export const silent = (node: string): Extract<Side, { kind: 'silent' }> => ({
  kind: 'silent',
  node,
  failure: { code: 'AgentUnreachable', message: 'no answer', device: null },
});

/** Marks one device of a session. */
export const broken = (
  role: 'source' | 'target',
  phase: SessionView['phase'],
  mark: Partial<SessionView['devices'][number]>,
): Side => {
  const whole = session(role, phase);
  const devices = whole.devices.map((device, index) => (index === 0 ? { ...device, ...mark } : device));
  return at(role, phase, { devices });
};

export interface Recorded {
  readonly decision?: DecisionValue;
  /** Why the object has ended; absent: it has not. */
  readonly ended?: string;
  readonly recovered?: 'True' | 'False';
  readonly fence?: number;
  readonly phase?: StoredMigration['status']['phase'];
}

export function record({ decision = 'Commit', ended, recovered, fence = FENCE, phase }: Recorded = {}) {
  const { stored } = new MemoryStore();
  if (stored === null) throw new Error('an empty store');
  const condition = (type: string, status: string, reason: string) => ({
    ...{ type, status, reason, message: '', lastTransitionTime: '2026-01-01T00:00:00Z' },
  });
  const status = deviceMigrationStatus.parse({
    fence,
    phase: phase ?? (ended === undefined ? 'Activating' : 'Failed'),
    decision: { value: decision },
    stopping: { at: '2026-01-01T00:00:00Z', by: 'operator-1' },
    ...(ended === undefined ? {} : { completedAt: '2026-01-01T00:01:00Z' }),
    conditions: [
      condition('Ready', 'False', ended ?? 'Activating'),
      ...(recovered === undefined ? [] : [condition('Recovered', recovered, 'Recovering')]),
    ],
  });
  return { ...stored, uid: UID, status };
}

export const migration = (
  source: Side,
  target: Side,
  recorded: Recorded = {},
  held: number | null = null,
): FoundMigration => ({ kind: 'migration', record: record(recorded), held, source, target });

export interface OrphanGiven {
  readonly record?: FoundOrphan['record'];
  readonly stalled?: FoundOrphan['stalled'];
  readonly held?: number | null;
}

export const orphan = (sides: readonly Side[], given: OrphanGiven = {}): FoundOrphan => ({
  kind: 'orphan',
  uid: UID,
  record: given.record ?? null,
  stalled: given.stalled ?? null,
  held: given.held ?? null,
  nodes: sides.map((side): NodeSessions =>
    side.kind === 'silent' ? side : { kind: 'sessions', node: side.node, sessions: [side.session] },
  ),
});

/** A node that answers and has no session of it. */
export const empty = (node: string): NodeSessions => ({ kind: 'sessions', node, sessions: [] });

/** Kinds of the steps of a plan. @throws with its reason when it is a refusal */
export function kinds(plan: Plan): Step['kind'][] {
  if (plan.kind === 'refused') throw new Error(`refused: ${plan.reason}`);
  return plan.steps.map(({ kind }) => kind);
}

/** Why nothing is done. @throws when something would be */
export function reason(plan: Plan): string {
  if (plan.kind === 'steps') throw new Error(`steps: ${plan.steps.map(({ kind }) => kind).join(', ')}`);
  return plan.reason;
}
