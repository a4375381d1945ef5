import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { type DeviceMigrationManifest, parseManifest } from '@transship/crds';
import { parse } from 'yaml';

const manifest = parse(
  readFileSync(join(import.meta.dirname, '../../../examples/devicemigration.yaml'), 'utf8'),
) as DeviceMigrationManifest;

test('the example is accepted and moves four devices', () => {
  expect(parseManifest(manifest)).toMatchObject({ ok: true, value: { spec: manifest.spec } });
  expect(manifest.spec.source.devices).toHaveLength(4);
});

test('the defaults that the example writes out are the defaults', () => {
  const { bandwidthLimit: _, ...strategy } = manifest.spec.strategy ?? {};
  const { fallbackNodeNames: __, ...recovery } = manifest.spec.recovery ?? {};
  const bare = { ...manifest, spec: { source: manifest.spec.source, target: manifest.spec.target } };
  expect(parseManifest(bare)).toMatchObject({
    ok: true,
    value: { spec: { strategy, recovery } },
  });
});
