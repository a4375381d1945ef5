import type { Role, WorkloadState } from '@transship/node-agent/core';
import { agentStep, failure } from './agent-moves.ts';
import type { Variant } from './variant.ts';
import type { Fault, Move, Side } from './world.ts';

const REACHED = { freeze: 'frozen', thaw: 'running', discard: 'discarded' } as const;
const REFUSED = { freeze: 'FreezeFailed', thaw: 'ThawFailed', discard: 'WorkloadFailed' } as const;

/** The workload obeys, refuses, obeys without an answer, ends, or begins anew. */
export function workloadMoves(role: Role, side: Side, variant: Variant): Move[] {
  const moves: Move[] = [];
  const op = side.agent?.live.workloadOp ?? null;
  const dead = side.workload === 'discarded';
  if (op !== null) {
    const state = REACHED[op];
    const obeyed: Side = { ...side, workload: state, whole: side.whole && op !== 'discard' };
    const done = (
      label: string,
      fault: Fault | null,
      after: Side,
      told: WorkloadState,
      code: string | null,
    ): void => {
      const why = code === null ? null : failure(code);
      const event = { kind: 'workloadDone' as const, op, state: told, failure: why };
      const to = { [role]: agentStep(after, event, variant).side };
      moves.push({ label: `${role}: the workload ${label}`, fault, to });
    };
    if (dead && op !== 'discard')
      done(`cannot be ${state}, for it has ended`, null, side, 'discarded', REFUSED[op]);
    else {
      done(`is ${state}`, null, obeyed, state, null);
      done(`refuses to be ${state}`, 'workloadRefuses', side, side.workload, REFUSED[op]);
      done(`is ${state} and does not answer`, 'workloadRefuses', obeyed, 'unknown', REFUSED[op]);
    }
  }
  if (dead) return moves;
  const died = (label: string, workload: Side['workload']): void => {
    const to = { [role]: { ...side, workload, whole: false } };
    moves.push({ label: `${role}: the workload's process ${label}`, fault: 'workloadDied', to });
  };
  if (side.whole || side.workload === 'frozen') {
    died('ends', 'discarded');
    died('ends and another one begins', 'running');
  }
  return moves;
}
