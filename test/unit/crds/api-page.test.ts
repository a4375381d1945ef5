import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as crds from '@transship/crds';

const page = readFileSync(join(import.meta.dirname, '../../../docs/api.md'), 'utf8');

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly default?: unknown;
}

/** Dotted paths of every leaf with its default; elements of a list carry `[]`. Conditions are Kubernetes' own. */
function leaves(schema: Schema, path = ''): [string, unknown][] {
  if (schema.properties !== undefined) {
    return Object.entries(schema.properties).flatMap(([name, inner]) =>
      leaves(inner, path === '' ? name : `${path}.${name}`),
    );
  }
  if (schema.items?.properties !== undefined && path !== 'conditions')
    return leaves(schema.items, `${path}[]`);
  return [[path, schema.default]];
}

const rowOf = (path: string): string =>
  page.split('\n').find((line) => line.startsWith(`| \`${path}\``)) ?? '';

const last = (path: string): string => path.slice(path.lastIndexOf('.') + 1);

describe('docs/api.md', () => {
  const spec = leaves(crds.deviceMigrationSpec.toJSONSchema({ io: 'input' }) as Schema);

  test.each(spec)('has a row for spec field %s', (path) => {
    expect(rowOf(path)).not.toBe('');
  });

  test.each(spec.filter(([, value]) => value !== undefined))(
    'gives the default of spec field %s',
    (path, value) => {
      expect(rowOf(path).split('|')[2]?.trim()).toBe(`\`${String(value as string | number)}\``);
    },
  );

  test.each([
    ...leaves(crds.deviceMigrationStatus.toJSONSchema({ io: 'input' }) as Schema),
    ...leaves(crds.nodeDeviceInventoryStatus.toJSONSchema({ io: 'input' }) as Schema),
  ])('names status field %s', (path) => {
    const named = [path, last(path)].some(
      (name) => page.includes(`\`${name}\``) || page.includes(`\`${name}[]\``),
    );
    expect(named).toBe(true);
  });

  test('explains every phase and names every device state', () => {
    for (const phase of crds.PHASES) expect(rowOf(phase)).not.toBe('');
    for (const state of crds.DEVICE_STATES) expect(page).toContain(`\`${state}\``);
  });
});
