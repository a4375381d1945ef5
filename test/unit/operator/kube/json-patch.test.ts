import { describe, expect, test } from '@jest/globals';
import { pointer, testsHold } from '@transship/operator/internal/kube/json-patch';

const document = { metadata: { uid: 'u', annotations: { 'a/b~c': 'x' } }, status: { fence: 3, empty: null } };
const holds = (path: string, value: unknown) => testsHold(document, [{ op: 'test', path, value }]);

describe('JSON patch', () => {
  test('escapes member names in pointers', () => {
    expect(pointer('metadata', 'annotations', 'a/b~c')).toBe('/metadata/annotations/a~1b~0c');
    expect(holds(pointer('metadata', 'annotations', 'a/b~c'), 'x')).toBe(true);
  });

  test('compares what a test names, and takes a missing value for null', () => {
    expect(holds('/status/fence', 3)).toBe(true);
    expect(holds('/status/fence', 4)).toBe(false);
    expect(holds('/status/stopping', null)).toBe(true);
    expect(holds('/status/empty', null)).toBe(true);
    expect(holds('/status/stopping/at', 'now')).toBe(false);
    expect(holds('/metadata/uid/length', 1)).toBe(false);
    expect(holds('/constructor', null)).toBe(true);
  });

  test('looks at tests alone', () => {
    expect(testsHold(document, [{ op: 'replace', path: '/status/fence', value: 9 }])).toBe(true);
  });
});
