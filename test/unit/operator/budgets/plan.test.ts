import { describe, expect, test } from '@jest/globals';
import { type Budget, type GuardedPod, planBudgets } from '@transship/operator/internal/budgets/plan';
import { selects } from '@transship/operator/internal/budgets/selector';

const OPTED_IN = { 'transship.dev/migrate-on-drain': 'true' };
const OWN = { 'transship.dev/budget': 'u1' };

const pod = (labels: Record<string, string> = OPTED_IN, terminating = false): GuardedPod => ({
  namespace: 'ml',
  name: 'trainer',
  uid: 'u1',
  terminating,
  labels,
});
const ours: Budget = {
  namespace: 'ml',
  name: 'transship-u1',
  uid: 'b1',
  madeFor: 'u1',
  selector: { matchLabels: OWN },
};
const users = (selector: Budget['selector'], namespace = 'ml'): Budget => ({
  namespace,
  name: 'users',
  uid: 'b2',
  madeFor: null,
  selector,
});
const plan = (pods: GuardedPod[], budgets: Budget[], namespaceLabels: Record<string, string> = {}) => {
  const { guard, remove } = planBudgets({ pods, budgets, namespaces: new Map([['ml', namespaceLabels]]) });
  return [guard.map(({ uid }) => uid), remove.map(({ name }) => name)];
};

describe('budgets', () => {
  test.each([
    ['a pod that opted in gets one', [pod()], [], {}, [['u1'], []]],
    ['a pod by its namespace gets one', [pod({})], [], OPTED_IN, [['u1'], []]],
    ['a pod that has its own keeps it', [pod({ ...OPTED_IN, ...OWN })], [ours], {}, [[], []]],
    ['a pod that lost its label gets it back', [pod()], [ours], {}, [['u1'], []]],
    [
      'a copied label is replaced',
      [pod({ ...OPTED_IN, 'transship.dev/budget': 'u0' })],
      [ours],
      {},
      [['u1'], []],
    ],
    ['a pod with a budget of its user gets none', [pod()], [users({ matchLabels: OPTED_IN })], {}, [[], []]],
    [
      'a second one is taken away as soon as there is another',
      [pod({ ...OPTED_IN, ...OWN })],
      [ours, users({})],
      {},
      [[], ['transship-u1']],
    ],
    ['budgets of other namespaces do not count', [pod()], [users({}, 'web')], {}, [['u1'], []]],
    ['a pod that opted out loses its own', [pod({ ...OWN })], [ours], {}, [[], ['transship-u1']]],
    ['one whose pod is gone is taken away', [], [ours], {}, [[], ['transship-u1']]],
    [
      'one whose pod is on its way out goes with it',
      [pod({ ...OPTED_IN, ...OWN }, true)],
      [ours],
      {},
      [[], []],
    ],
    [
      'a pod that may be evicted gets none',
      [pod({ ...OPTED_IN, 'transship.dev/eviction-policy': 'Off' })],
      [],
      {},
      [[], []],
    ],
  ])('%s', (_what, pods, budgets, namespaceLabels, changes) => {
    expect(plan(pods, budgets, namespaceLabels)).toEqual(changes);
  });
});

describe('a selector', () => {
  const labels = { app: 'a', tier: 'gpu' };
  const expression = (key: string, operator: string, values?: string[]) => ({
    matchExpressions: [{ key, operator, ...(values === undefined ? {} : { values }) }],
  });
  test.each([
    [null, false],
    [undefined, false],
    [{}, true],
    [{ matchLabels: { app: 'a' } }, true],
    [{ matchLabels: { app: 'b' } }, false],
    [{ matchLabels: { app: 'a' }, ...expression('tier', 'Exists') }, true],
    [{ matchLabels: { app: 'a' }, ...expression('tier', 'DoesNotExist') }, false],
    [expression('tier', 'In', ['gpu', 'cpu']), true],
    [expression('tier', 'In', []), false],
    [expression('tier', 'NotIn', ['gpu']), false],
    [expression('other', 'NotIn', ['gpu']), true],
    [expression('other', 'In', ['gpu']), false],
    [expression('other', 'Later'), true],
  ])('%j: %s', (selector, picked) => {
    expect(selects(selector, labels)).toBe(picked);
  });
});
