import { describe, expect, test } from '@jest/globals';
import type { Role, SourceCommand, TargetCommand } from '@transship/node-agent/core';
import {
  decide,
  freshMemory,
  raised,
  replied,
  type Action,
  type Memory,
  type Observed,
  type Plan,
  type RecordView,
} from '@transship/operator/core';
import { FakeNode, type NodeOptions } from '../../../support/core-harness.ts';
import { PLAN, RECORD } from './fixture.ts';

/** One operator process and both agents, without I/O: decides, acts, and lets everything end, until it ends. */
class Voyage {
  readonly source: FakeNode;
  readonly target: FakeNode;
  readonly actions: string[] = [];
  record: RecordView = { ...RECORD, fence: 0 };
  private memory: Memory = freshMemory;
  private readonly plan: Plan;

  constructor(nodes: NodeOptions = {}, plan: Partial<Plan> = {}) {
    this.source = new FakeNode('source', nodes);
    this.target = new FakeNode('target', nodes);
    this.plan = { ...PLAN, ...plan };
  }

  /** Another process takes over: it remembers nothing. */
  restartOperator(): void {
    this.memory = freshMemory;
  }

  /** Runs until nothing is left to do, or until `before` says stop (asked with each action before it is taken). */
  run(before: (action: Action) => boolean = () => false): this {
    for (let turns = 0; turns < 100; turns += 1) {
      const action = decide(this.look());
      if (before(action)) return this;
      this.actions.push(nameOf(action));
      if (!this.perform(action)) return this;
    }
    throw new Error(`it does not end: ${this.actions.slice(-5).join(', ')}`);
  }

  private look(): Observed {
    const { held, superseded, decided, source, target, placement } = this.memory;
    const { plan, record } = this;
    return {
      plan,
      record,
      held,
      superseded,
      decided,
      source,
      target,
      placement,
      preCopyDone: true,
      expired: null,
    };
  }

  private perform(action: Action): boolean {
    const { record } = this;
    switch (action.kind) {
      case 'raiseFence':
        this.record = { ...record, fence: record.fence + 1 };
        this.memory = raised(this.memory, this.record.fence);
        return true;
      case 'attach':
        for (const role of ['source', 'target'] as const) {
          if (this.memory[role].kind === 'unattached') this.send(role, { kind: 'attach' });
        }
        return true;
      case 'place':
        this.memory = {
          ...this.memory,
          placement: {
            kind: 'placed',
            sourceDevices: this.source.ids,
            targetDevices: this.target.ids,
            sourceEndpoint: 'node-a:7443',
          },
        };
        return true;
      case 'commandSource':
        this.send('source', action.command);
        return true;
      case 'commandTarget':
        this.send('target', action.command);
        return true;
      case 'recordStopping':
        this.record = { ...record, stopping: true };
        return true;
      case 'recordDecision':
        if (record.decision !== action.from) throw new Error(`${action.to} over ${record.decision}`);
        this.record = { ...record, decision: action.to, reason: action.reason };
        return true;
      case 'finish':
        this.record = { ...record, ended: true };
        return true;
      case 'removeFinalizer':
        this.record = { ...record, finalizerPresent: false };
        return true;
      default:
        return false;
    }
  }

  private send(role: Role, command: SourceCommand | TargetCommand): void {
    const node = this[role];
    const sequence = this.memory.sequence + 1;
    const refusal = node.send(command, { fence: this.record.fence, sequence });
    node.settle();
    this.memory = replied({ ...this.memory, sequence }, role, node.view, refusal);
  }
}

function nameOf(action: Action): string {
  switch (action.kind) {
    case 'commandSource':
      return `source: ${action.command.kind}`;
    case 'commandTarget':
      return `target: ${action.command.kind}`;
    case 'recordDecision':
      return `record ${action.to}`;
    case 'finish':
      return `finish ${action.phase}`;
    default:
      return action.kind;
  }
}

const BEGIN = ['raiseFence', 'attach', 'place', 'source: prepare', 'target: prepare'];
const STOP = ['source: quiesce', 'recordStopping', 'source: stop', 'target: verify'];
const END = [
  'record Commit',
  'source: commit',
  'target: activate',
  'source: release',
  'finish Succeeded',
  'removeFinalizer',
  'none',
];

/** Where the workload runs, with all its devices; both at once would be the worst. */
function runsAt({ source, target }: Voyage): string {
  const runs = (node: FakeNode): boolean =>
    node.workload === 'running' && node.devices.every((device) => device.holds && device.state === 'Running');
  return [source, target]
    .filter(runs)
    .map((node) => node.role)
    .join(' and ');
}

describe('the ten steps, decided and carried out', () => {
  const sets: readonly [string, NodeOptions][] = [
    ['one device without NDMA', { devices: 1, p2p: false }],
    ['one device', { devices: 1 }],
    ['four devices', { devices: 4 }],
  ];

  test.each(sets)('%s, with pre-copy', (_, nodes) => {
    const voyage = new Voyage(nodes).run();
    expect(voyage.actions).toEqual([...BEGIN, 'source: preCopy', ...STOP, ...END]);
    expect(runsAt(voyage)).toBe('target');
    expect(voyage.source.view).toMatchObject({ phase: 'Released', decision: 'Commit' });
  });

  test.each(sets)('%s, without pre-copy', (_, nodes) => {
    const voyage = new Voyage(nodes, { preCopy: false }).run();
    expect(voyage.actions).toEqual([...BEGIN, ...STOP, ...END]);
    expect(runsAt(voyage)).toBe('target');
  });
});

const STEPS = [
  ...BEGIN,
  'source: preCopy',
  ...STOP,
  'record Commit',
  'source: commit',
  'target: activate',
  'source: release',
];

describe('a process that takes over anywhere', () => {
  test.each(STEPS.slice(1))(
    'before %s finishes the voyage with what the agents and the record say',
    (step) => {
      const voyage = new Voyage().run((action) => nameOf(action) === step);
      voyage.restartOperator();
      voyage.run();
      expect(voyage.actions.filter((action) => action === 'raiseFence')).toHaveLength(2);
      expect(voyage.actions.slice(-3)).toEqual(['finish Succeeded', 'removeFinalizer', 'none']);
      expect(runsAt(voyage)).toBe('target');
    },
  );
});

describe('deletion anywhere', () => {
  const undecided = STEPS.slice(0, STEPS.indexOf('record Commit') + 1);

  test.each(undecided)('before %s takes the set home', (step) => {
    const voyage = new Voyage().run((action) => nameOf(action) === step);
    const { stopping } = voyage.record;
    const count = voyage.actions.length;
    voyage.record = { ...voyage.record, deletionRequested: true };
    voyage.run();
    const actions = voyage.actions.slice(count);
    expect(actions.slice(-3)).toEqual(['finish Aborted', 'removeFinalizer', 'none']);
    expect(runsAt(voyage)).toBe('source');
    // Once stopping is recorded, the Abort comes before the roll-back; before, it comes last.
    const order = actions.indexOf('record Abort') < actions.indexOf('source: rollBack');
    expect(order).toBe(stopping);
    expect(voyage.target.devices.some((device) => device.holds)).toBe(false);
  });

  test.each(['source: commit', 'target: activate', 'source: release'])(
    'before %s changes nothing: it finishes first',
    (step) => {
      const voyage = new Voyage().run((action) => nameOf(action) === step);
      voyage.record = { ...voyage.record, deletionRequested: true };
      voyage.run();
      expect(voyage.actions.slice(-END.length)).toEqual(END);
      expect(runsAt(voyage)).toBe('target');
    },
  );
});

describe('a target that loses its devices after Commit', () => {
  test('before it was activated: Revert, and the source runs again', () => {
    const voyage = new Voyage().run((action) => nameOf(action) === 'target: activate');
    voyage.target.replace(1);
    const count = voyage.actions.length;
    voyage.run();
    expect(voyage.actions.slice(count)).toEqual([
      'target: activate',
      'target: discard',
      'record Revert',
      'source: rollBack',
      'finish Failed',
      'removeFinalizer',
      'none',
    ]);
    expect(runsAt(voyage)).toBe('source');
  });
});
