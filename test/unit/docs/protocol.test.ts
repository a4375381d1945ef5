import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Role } from '@transship/node-agent/core';
import { FULL } from '../../model/cases.ts';
import { SEEDED } from '../../model/seeded.ts';
import { voyageOfModel } from './model-voyage.ts';
import { sessionArrows } from './session-arrows.ts';

const ROOT = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const page = read('docs/protocol.md');
const arrowsOf = { source: sessionArrows('source'), target: sessionArrows('target') };

/** Lines of the first diagram of a kind under a heading. */
function diagram(heading: string, kind: string): string[] {
  const chapter = page.split(/^## /mu).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  const [, rest = ''] = chapter.split(`\`\`\`mermaid\n${kind}\n`);
  const [body = ''] = rest.split('```');
  return body.split('\n').map((line) => line.trim());
}

/** Arrows of a state diagram as `A -> B`, without where it begins and ends. */
const drawn = (role: Role): string[] =>
  diagram(`The ${role} session`, 'stateDiagram-v2')
    .flatMap((line) => [...line.matchAll(/^(\w+) --> (\w+)\b/gu)])
    .map(([, from, to]) => `${from} -> ${to}`);

/** Phases of a role as phase.ts declares them. */
function declared(role: Role): string[] {
  const type = role === 'source' ? 'SourcePhase' : 'TargetPhase';
  const [, body = ''] = new RegExp(`export type ${type} =([^;]*);`, 'u').exec(withoutComments()) ?? [];
  return [...body.matchAll(/'(\w+)'/gu)].map(([, phase = '']) => phase);
}

const withoutComments = (): string => read('node-agent/src/core/phase.ts').replaceAll(/\/\/.*$/gmu, '');

const phasesOf = (arrows: readonly string[]): string[] => [
  ...new Set(arrows.flatMap((arrow) => arrow.split(' -> '))),
];

/** Everything that leaves one of these phases, with what may cause it. */
const leaving = (role: Role, ...phases: readonly string[]): string[] =>
  [...arrowsOf[role]]
    .filter(([arrow]) => phases.includes(arrow.split(' -> ')[0] ?? ''))
    .flatMap(([arrow, causes]) => [...causes].map((cause) => `${arrow}: ${cause}`))
    .toSorted();

describe.each(['source', 'target'] as const)('the diagram of the %s session', (role) => {
  test('shows each step between phases that the code can make, and no other', () => {
    expect(drawn(role).toSorted()).toEqual([...arrowsOf[role].keys()].toSorted());
  });

  test('shows every phase that is declared, once for each step', () => {
    expect(phasesOf(drawn(role)).toSorted()).toEqual(declared(role).toSorted());
    expect(new Set(drawn(role)).size).toBe(drawn(role).length);
  });
});

describe('under any commands in any order', () => {
  test('a stopped source goes on by itself only to its promise, and back or away only as it was decided', () => {
    expect(leaving('source', 'Stopping', 'Stopped')).toEqual([
      'Stopped -> Releasing: release Commit',
      'Stopped -> RollingBack: rollBack Abort',
      'Stopped -> RollingBack: rollBack Revert',
      'Stopped -> Stopping: stop',
      'Stopping -> RollingBack: rollBack Abort',
      'Stopping -> RollingBack: rollBack Revert',
      'Stopping -> Stopped: arcDone',
      'Stopping -> Stopped: stop',
      'Stopping -> Stopped: streams',
    ]);
  });

  test('a target that has promised leaves Stop on Commit alone, and is reset only as it was decided', () => {
    expect(leaving('target', 'Verified')).toEqual([
      'Verified -> Activating: activate Commit',
      'Verified -> Discarding: discard Abort',
      'Verified -> Discarding: discard Commit',
      'Verified -> Discarding: discard Revert',
    ]);
  });

  test('a target that was ordered to run goes forward, or is reset on a recorded Revert', () => {
    const back = leaving('target', 'Activating', 'Starting').filter((arrow) => /-> Discard/u.test(arrow));
    expect(back).toEqual([
      'Activating -> Discarding: discard Revert',
      'Starting -> Discarding: discard Revert',
    ]);
  });
});

test('the course is that of a run of the model', () => {
  const orders = diagram('The course', 'sequenceDiagram')
    .flatMap((line) => [...line.matchAll(/^O->>([RST]): (\w+)/gu)])
    .map(([, to, what]) => `${to} ${what}`);
  expect(orders).toEqual(voyageOfModel());
});

describe('what the page says is shown', () => {
  const shown = [...page.matchAll(/Shown: ([\s\S]*?)\n\n/gu)].map(([, text = '']) => text).join('\n');

  test('names cases of the model that there are, and rules that it misses', () => {
    const known: readonly string[] = [...FULL.map(({ name }) => name), ...SEEDED.map(({ what }) => what)];
    const cases = [...shown.matchAll(/`([^`/]+)`/gu)].map(([, name = '']) => name.replaceAll('\n', ' '));
    expect(cases.length).toBeGreaterThan(8);
    expect(cases.filter((name) => !known.includes(name))).toEqual([]);
  });

  test('names items that have mutants', () => {
    const conformance = read('docs/conformance.md');
    const items = [...shown.matchAll(/\bV[12]-\d+\b/gu)].map(([item]) => item);
    expect(items.length).toBeGreaterThan(5);
    expect(items.filter((item) => !conformance.includes(`\n| ${item} `))).toEqual([]);
  });
});
