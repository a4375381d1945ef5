import { describe, expect, test } from '@jest/globals';
import type { SourceCommand, TargetCommand } from '@transship/node-agent/core';
import { failureOf } from '../../../support/core-facts.ts';
import { FakeNode } from '../../../support/core-harness.ts';
import {
  ATTACH,
  PRE_COPY,
  prepareSource,
  prepareTarget,
  QUIESCE,
  sourceAt,
  STOP,
  targetAt,
  verify,
} from '../../../support/core-voyages.ts';

/** A source in pre-copy that has accepted the pair (5, 7) from operator `op`. */
function fenced(): FakeNode {
  const node = sourceAt('PreCopy');
  expect(node.send(ATTACH, { fence: 5, sequence: 7 })).toBeNull();
  return node;
}

describe('the fence gate', () => {
  test('the first pair of an unknown migration is taken and binds nothing', () => {
    const node = new FakeNode('source');
    expect(node.send(ATTACH, { fence: 3, sequence: 9 })).toBeNull();
    expect(node.view).toMatchObject({ phase: 'Fenced', fence: 3, sequence: 9, devices: [], settled: true });
    expect(node.orders).toEqual([]);
  });

  const refused: readonly [string, object, string][] = [
    ['a lower fence', { fence: 4, sequence: 99 }, 'StaleFence'],
    ['a lower fence of another operator', { fence: 4, sequence: 99, operator: 'other' }, 'StaleFence'],
    ['an equal fence of another operator', { fence: 5, sequence: 8, operator: 'other' }, 'FenceConflict'],
    ['an equal pair of another operator', { fence: 5, sequence: 7, operator: 'other' }, 'FenceConflict'],
    ['an equal fence with a lower sequence', { fence: 5, sequence: 6 }, 'StaleSequence'],
  ];

  test.each(refused)('%s is refused and changes nothing at all', (_, header, code) => {
    const node = fenced();
    const { agent, orders } = node;
    const count = orders.length;
    expect(node.send(QUIESCE, header)).toMatchObject({ code });
    expect(node.agent).toBe(agent);
    expect(node.orders).toHaveLength(count);
  });

  test('an equal pair is answered from the journal without acting again', () => {
    const node = fenced();
    const { agent } = node;
    const count = node.orders.length;
    expect(node.send(QUIESCE, { fence: 5, sequence: 7 })).toBeNull();
    expect(node.agent).toBe(agent);
    expect(node.orders).toHaveLength(count);
  });

  const taken: readonly [string, object][] = [
    ['a higher sequence', { fence: 5, sequence: 8 }],
    ['a higher fence', { fence: 6, sequence: 8 }],
    [
      'a higher fence of another operator, whatever its sequence',
      { fence: 6, sequence: 1, operator: 'other' },
    ],
  ];

  test.each(taken)('%s is obeyed', (_, header) => {
    const node = fenced();
    expect(node.send(QUIESCE, header)).toBeNull();
    expect(node.view).toMatchObject({ phase: 'Quiescing' });
    expect(node.agent?.session).toMatchObject(header);
  });

  test('a command that is refused for its phase has raised the accepted pair, so that nothing older is obeyed', () => {
    const node = fenced();
    expect(node.send(STOP, { fence: 6, sequence: 1 })).toMatchObject({ code: 'IllegalPhase' });
    expect(node.view).toMatchObject({ phase: 'PreCopy', fence: 6, sequence: 1 });
    expect(node.send(QUIESCE, { fence: 5, sequence: 100 })).toMatchObject({ code: 'StaleFence' });
  });

  test('attach changes the accepted pair and nothing else', () => {
    const node = sourceAt('Quiescing');
    const before = node.agent?.session;
    const count = node.orders.length;
    expect(node.send(ATTACH, { fence: 8, sequence: 1, operator: 'next' })).toBeNull();
    expect(node.agent?.session).toEqual({ ...before, fence: 8, sequence: 1, operator: 'next' });
    expect(node.orders).toHaveLength(count);
  });

  test('a command for the other role is refused and starts nothing', () => {
    const node = sourceAt('PreCopy');
    const refusal = node.event({
      kind: 'command',
      header: { uid: 'a-migration', fence: 2, sequence: 1, operator: 'op' },
      role: 'target',
      command: { kind: 'discard', decision: 'Abort' },
      observed: node.observation(),
    });
    expect(refusal).toMatchObject({ code: 'IllegalPhase' });
    expect(node.phase).toBe('PreCopy');
    expect(node.states).toEqual(['PreCopy', 'PreCopy']);
  });
});

describe('a command for a session that the journal does not know', () => {
  const LATE = { fence: 5, sequence: 2, ticket: 'of the session before' };

  test('begins none: only attach does', () => {
    const node = new FakeNode('target');
    expect(node.send(prepareTarget(node), LATE)?.code).toBe('StaleSequence');
    expect(node.orders).toEqual([]);
    expect(node.send(ATTACH, LATE)).toBeNull();
  });

  test('does nothing to another one that was begun since, whatever its fence', () => {
    const node = new FakeNode('target');
    expect(node.send(ATTACH, { fence: 1, sequence: 1 })).toBeNull();
    expect(node.send(prepareTarget(node), LATE)?.code).toBe('StaleSequence');
    expect(node.view).toMatchObject({ phase: 'Fenced', fence: 1, sequence: 1 });
    expect(node.orders).toEqual([]);
  });

  test('is obeyed by the session that it names, and where none was told', () => {
    for (const ticket of ['ticket', '']) {
      const node = new FakeNode('target');
      expect(node.send(ATTACH, { fence: 5, sequence: 1 })).toBeNull();
      expect(node.view.ticket).toBe('ticket');
      expect(node.send(prepareTarget(node), { fence: 5, sequence: 2, ticket })).toBeNull();
      expect(node.phase).toBe('Preparing');
    }
  });
});

describe('a tombstone only repeats its answer', () => {
  const tombstones = [
    sourceAt('RolledBack'),
    sourceAt('Released'),
    targetAt('Active'),
    targetAt('Discarded'),
  ];
  const sourceCommands = (node: FakeNode): SourceCommand[] => [
    ATTACH,
    prepareSource(node),
    PRE_COPY,
    QUIESCE,
    STOP,
    { kind: 'rollBack', decision: 'Abort' },
    { kind: 'rollBack', decision: 'Revert' },
    { kind: 'commit', decision: 'Commit' },
    { kind: 'release', decision: 'Commit' },
  ];
  const targetCommands = (node: FakeNode): TargetCommand[] => [
    ATTACH,
    prepareTarget(node, 2),
    verify(node),
    { kind: 'activate', decision: 'Commit' },
    { kind: 'discard', decision: 'Abort' },
    { kind: 'discard', decision: 'Revert' },
  ];
  const cases = tombstones.flatMap((node) =>
    (node.role === 'source' ? sourceCommands(node) : targetCommands(node)).map(
      (command) => [node.phase, command.kind, node, command] as const,
    ),
  );

  test.each(cases)('%s answers %s with itself, however high the fence', (phase, _, tombstone, command) => {
    const node = tombstone.fork();
    const count = node.orders.length;
    expect(node.send(command, { fence: 9, sequence: 1, operator: 'late' })).toBeNull();
    expect(node.view).toMatchObject({ phase, fence: 9, sequence: 1, settled: true });
    expect(node.orders).toHaveLength(count);
    expect(node.send(command, { fence: 8, sequence: 9 })).toMatchObject({ code: 'StaleFence' });
  });

  test.each(tombstones.map((node) => [node.phase, node] as const))(
    '%s hears of nothing any more',
    (_, tombstone) => {
      const node = tombstone.fork();
      const { agent } = node;
      const count = node.orders.length;
      node.reopen(0);
      node.event({ kind: 'operatorLost' });
      node.event({ kind: 'quiesceDeadline' });
      node.event({ kind: 'arcDone', device: 0, state: 'Error', failure: failureOf('DeviceError') });
      node.restart();
      expect(node.agent).toBe(agent);
      expect(node.orders).toHaveLength(count);
    },
  );

  test.each(['source', 'target'] as const)(
    'a %s that was given up before it was prepared is one too',
    (role) => {
      const node = new FakeNode(role);
      node.send(ATTACH);
      const giveUp = role === 'source' ? 'rollBack' : 'discard';
      expect(node.send({ kind: giveUp, decision: 'Undecided' })).toBeNull();
      const end = role === 'source' ? 'RolledBack' : 'Discarded';
      expect(node.phase).toBe(end);
      expect(node.send(role === 'source' ? prepareSource(node) : prepareTarget(node))).toBeNull();
      expect(node.phase).toBe(end);
      expect(node.orders.filter((order) => order !== 'disarmQuiesceDeadline')).toEqual([]);
    },
  );
});
