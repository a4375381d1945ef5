import { describe, expect, test } from '@jest/globals';
import { checkUpdate, type DeviceMigration, parseMigration, type Refusal } from '@transship/crds';
import { goodManifest } from '../../support/bad-manifests.ts';
import { badUpdates, goodUpdates, type Update } from '../../support/bad-updates.ts';

type Outcome = { ok: true } | Refusal;

/** Both states as a store would read them, the later one as it would be written. */
function attempt({ part, before, after }: Update): Outcome {
  const object = (fields: Update['before']): unknown => {
    const good = goodManifest();
    return part === 'spec' ? { ...good, spec: { ...good.spec, ...fields } } : { ...good, status: fields };
  };
  const old = parseMigration(object(before));
  if (!old.ok) throw new Error(`the state before is refused: ${old.message}`);
  const next = parseMigration(object(after));
  return next.ok ? checkUpdate(old.value, next.value) : next;
}

describe('checkUpdate', () => {
  test.each(badUpdates.filter(({ refusedBy }) => refusedBy !== 'api'))(
    'refuses $name with $code',
    (update) => {
      expect(attempt(update)).toMatchObject({
        ok: false,
        code: update.code,
        message: expect.stringContaining(update.messagePart),
      });
    },
  );

  test.each(goodUpdates)('accepts $name', (update) => {
    expect(attempt(update)).toEqual({ ok: true });
  });

  test('compares by value: key order and absent versus undefined make no difference', () => {
    const parsed = parseMigration(goodManifest());
    if (!parsed.ok) throw new Error(parsed.message);
    const { source, target, ...rest } = parsed.value.spec;
    const reordered = {
      ...rest,
      target,
      source: { podName: undefined, ...source },
    } as DeviceMigration['spec'];
    expect(checkUpdate(parsed.value, { ...parsed.value, spec: reordered })).toEqual({ ok: true });
  });
});
