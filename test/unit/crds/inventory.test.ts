import { describe, expect, test } from '@jest/globals';
import { parseInventory } from '@transship/crds';
import { badInventories, goodInventory } from '../../support/bad-inventories.ts';

describe('parseInventory', () => {
  test('takes a node with devices, and one that has not reported yet', () => {
    expect(parseInventory(goodInventory())).toEqual({ ok: true, value: goodInventory() });
    const { status: _, ...silent } = goodInventory();
    expect(parseInventory(silent)).toEqual({ ok: true, value: silent });
  });

  test.each(badInventories.filter(({ refusedBy }) => refusedBy !== 'api'))(
    'refuses $name with $code',
    ({ manifest, code, messagePart }) => {
      expect(parseInventory(manifest)).toMatchObject({
        ok: false,
        code,
        message: expect.stringContaining(messagePart),
      });
    },
  );
});
