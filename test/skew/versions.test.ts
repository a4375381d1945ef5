import { describe, expect } from '@jest/globals';
import { CONTRACT_VERSION } from '@transship/node-agent/contract';
import { projectRoot } from '../support/processes.ts';
import { expectMoved } from '../support/set-checks.ts';
import { TwoNodes } from '../support/two-nodes.ts';
import { expectNothingRefused, phaseOf, versionOf } from './ask-agents.ts';
import { it, older, orSkipped } from './suite.ts';

const devices = [0, 1];

describe(`a set moves, and the other version then reads the journals${orSkipped}`, () => {
  it.each<[string, { operator?: string; source?: string; target?: string }]>([
    ['an older operator and newer agents', { operator: older }],
    ['a newer operator and older agents', { source: older, target: older }],
    ['an older source and a newer target', { source: older }],
    ['a newer source and an older target', { target: older }],
  ])('with %s', async (_who, builds) => {
    await using nodes = await TwoNodes.start({ devices: devices.length, builds });
    const version = (build: string | undefined): number => (build === undefined ? CONTRACT_VERSION : 1);
    expect(await versionOf(nodes, nodes.source)).toBe(version(builds.source));
    expect(await versionOf(nodes, nodes.target)).toBe(version(builds.target));
    await nodes.apply('set', { devices });
    await expectMoved(nodes, 'set', devices);
    const uid = await nodes.uid('set');
    const { source, target } = nodes;
    await source.restartAgent(builds.source === undefined ? older : projectRoot);
    await target.restartAgent(builds.target === undefined ? older : projectRoot);
    await expectNothingRefused(nodes);
    expect(await phaseOf(nodes, source, 'source', uid)).toBe('Released');
    expect(await phaseOf(nodes, target, 'target', uid)).toBe('Active');
  });
});
