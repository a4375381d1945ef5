import type { AgentState, KnownState, Role } from '@transship/node-agent/core';
import type { SourceCommand, TargetCommand } from '@transship/node-agent/core';
import { freshMemory, type Memory, type RecordView } from '@transship/operator/core';

/**
 * The world of the model: API object, operators, network, agents, devices and workloads. Operators and agents
 * are the production transitions; everything else here is what surrounds them, with every fault that the
 * budget allows. States are values: a move copies what it changes.
 */
export interface World {
  readonly api: Api;
  readonly operators: readonly Operator[];
  readonly network: readonly Message[];
  /** Writes that left an operator and may land at any later time. */
  readonly writes: readonly Write[];
  readonly source: Side;
  readonly target: Side;
  readonly budget: Budget;
}

export interface Api extends RecordView {
  /** How the object ended, for the invariants. */
  readonly outcome: { readonly phase: string; readonly code: string | null } | null;
}

export interface Operator {
  readonly leader: boolean;
  /** Instance number: a restarted process is another one. */
  readonly instance: number;
  readonly memory: Memory;
  /** The command whose answer this process waits for. */
  readonly waiting: { readonly role: Role; readonly sequence: number } | null;
}

export interface Message {
  readonly role: Role;
  readonly operator: number;
  readonly instance: number;
  readonly fence: number;
  readonly sequence: number;
  readonly command: SourceCommand | TargetCommand;
}

export interface Write {
  readonly tests: { readonly fence: number; readonly decision: string; readonly stopping: boolean };
  readonly set: Partial<Api>;
}

/** A device as it is, which may be another thing than what its agent believes. */
export interface Device {
  readonly state: KnownState;
  /** Number of resets and re-opens. */
  readonly incarnation: number;
  /**
   * The workload's state in it: `epoch` counts how often the set was started again after a stop, so that an
   * old copy can be told from the living one; null: none (fresh or reset).
   */
  readonly contents: { readonly epoch: number } | null;
}

export interface Side {
  readonly agent: AgentState | null;
  readonly devices: readonly Device[];
  readonly workload: 'running' | 'frozen' | 'discarded';
  readonly quiesceArmed: boolean;
  /** Target: every stream of this generation arrived; the copy's epoch. */
  readonly arrived: { readonly generation: number; readonly epoch: number } | null;
}

/** How often each fault may still happen, and how many of all kinds together. */
export interface Budget {
  readonly total: number;
  readonly takeover: number;
  readonly operatorCrash: number;
  readonly lost: number;
  readonly duplicate: number;
  readonly stalledWrite: number;
  readonly agentCrash: number;
  readonly brokerRestart: number;
  readonly arcRefused: number;
  readonly deviceError: number;
  readonly resetFails: number;
  readonly streamCorrupt: number;
  readonly deadline: number;
  readonly operatorLost: number;
  readonly deletion: number;
}

export type Fault = Exclude<keyof Budget, 'total'>;

export const UID = 'm';
export const DEVICES: Readonly<Record<Role, readonly string[]>> = {
  source: ['a/0', 'a/1'],
  target: ['b/0', 'b/1'],
};

export function initialWorld(budget: Budget): World {
  const operator = (leader: boolean, instance: number): Operator => ({
    leader,
    instance,
    memory: freshMemory,
    waiting: null,
  });
  const device = (epoch: number | null): Device => ({
    state: 'Running',
    incarnation: 0,
    contents: epoch === null ? null : { epoch },
  });
  const side = (epoch: number | null, workload: Side['workload']): Side => ({
    agent: null,
    devices: [device(epoch), device(epoch)],
    workload,
    quiesceArmed: false,
    arrived: null,
  });
  return {
    api: {
      fence: 0,
      placed: false,
      stopping: false,
      decision: 'Undecided',
      reason: null,
      ended: false,
      deletionRequested: false,
      finalizerPresent: true,
      outcome: null,
    },
    operators: [operator(true, 0), operator(false, 1)],
    network: [],
    writes: [],
    source: side(0, 'running'),
    target: side(null, 'frozen'),
    budget,
  };
}

/** Takes one fault out of the budget, or null when there is none left. */
export function spend(world: World, fault: Fault): World | null {
  const { budget } = world;
  if (budget.total === 0 || budget[fault] === 0) return null;
  return { ...world, budget: { ...budget, total: budget.total - 1, [fault]: budget[fault] - 1 } };
}

export const withSide = (world: World, role: Role, change: Partial<Side>): World => ({
  ...world,
  [role]: { ...world[role], ...change },
});

export const withDevice = (side: Side, index: number, change: Partial<Device>): Side => {
  const before = side.devices[index];
  if (before === undefined) throw new RangeError(`no device ${index}`);
  return { ...side, devices: side.devices.with(index, { ...before, ...change }) };
};

/** One thing that can happen. `fault`: it took something out of the budget. */
export interface Move {
  readonly label: string;
  readonly world: World;
}
