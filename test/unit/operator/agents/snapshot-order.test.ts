import { beforeEach, describe, expect, test } from '@jest/globals';
import { SnapshotOrder } from '@transship/operator/internal/agents/snapshot-order';

let order: SnapshotOrder;

beforeEach(() => {
  order = new SnapshotOrder();
});

/** Which of the snapshots, as `instance version`, are let through. */
function passing(...snapshots: string[]): string[] {
  return snapshots.filter((snapshot) => {
    const [agentInstance = '', version] = snapshot.split(' ');
    return order.accept({ agentInstance, version: Number(version) });
  });
}

describe('the order of snapshots', () => {
  test('lets growing versions of one agent process through, and nothing twice or late', () => {
    expect(passing('a 0', 'a 1', 'a 1', 'a 5', 'a 3', 'a 6')).toEqual(['a 0', 'a 1', 'a 5', 'a 6']);
  });

  test('lets a new process replace the old one, though its versions start over', () => {
    expect(passing('a 7', 'b 0', 'b 1')).toEqual(['a 7', 'b 0', 'b 1']);
  });

  test('lets nothing of a replaced process through any more, however high its version', () => {
    expect(passing('a 7', 'b 0', 'a 8', 'c 0', 'b 9', 'a 9', 'c 1')).toEqual(['a 7', 'b 0', 'c 0', 'c 1']);
  });

  test('remembers a bounded number of processes', () => {
    const restarts = Array.from({ length: 500 }, (_, index) => `${index} 0`);
    expect(passing(...restarts)).toEqual(restarts);
    expect(passing('498 1')).toEqual([]);
  });
});
