import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as crds from '@transship/crds';
import { parse } from 'yaml';
import { badManifests } from '../../support/bad-manifests.ts';
import { badUpdates } from '../../support/bad-updates.ts';

type Json = { [key: string]: unknown };

const read = (file: string): Json =>
  parse(readFileSync(join(import.meta.dirname, '../../../crds', file), 'utf8')) as Json;

const at = (value: unknown, ...path: (string | number)[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Json)[key], value);

const schemaOf = (crd: Json): Json => at(crd, 'spec', 'versions', 0, 'schema', 'openAPIV3Schema') as Json;

/** What both sides can express, in one form; the rest (descriptions, CEL, list types) has its own tests. */
function comparable(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(comparable);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { properties, items, required, additionalProperties, ...rest } = schema as Json;
  const kept = [
    'type',
    'enum',
    'pattern',
    'minimum',
    'maximum',
    'minLength',
    'maxLength',
    'minItems',
    'maxItems',
    'default',
  ];
  const out: Json = Object.fromEntries(Object.entries(rest).filter(([key]) => kept.includes(key)));
  // zod spells a date-time out as a pattern; the CRD leaves it to the API server's format.
  if (rest['format'] === 'date-time') Object.assign(out, { pattern: undefined, format: 'date-time' });
  if (properties !== undefined) {
    out['properties'] = Object.fromEntries(
      Object.entries(properties as Json).map(([name, property]) => [name, comparable(property)]),
    );
  }
  if (items !== undefined) out['items'] = comparable(items);
  // Of a map; of an object it is zod's strictness, which the API server has of its own.
  if (typeof additionalProperties === 'object') out['values'] = comparable(additionalProperties);
  if (required !== undefined) out['required'] = [...(required as string[])].sort();
  return out;
}

const migration = read('devicemigrations.yaml');
const inventory = read('nodedeviceinventories.yaml');

const parts = [
  ['DeviceMigration spec', migration, 'spec', crds.deviceMigrationSpec],
  ['DeviceMigration status', migration, 'status', crds.deviceMigrationStatus],
  ['NodeDeviceInventory status', inventory, 'status', crds.nodeDeviceInventoryStatus],
] as const;

describe('the CRDs and their zod side agree', () => {
  test.each(parts)(
    'on names, types, required fields, enums, patterns, bounds and defaults of %s',
    (_, crd, part, zod) => {
      const yaml = comparable(at(schemaOf(crd), 'properties', part)) as Json;
      // The default of the part as a whole belongs to the object around it.
      delete yaml['default'];
      expect(yaml).toEqual(comparable(zod.toJSONSchema({ io: 'input' })));
    },
  );

  test('and the comparison sees a bound, an enum value or a required field that differs', () => {
    const zod = comparable(crds.deviceMigrationSpec.toJSONSchema({ io: 'input' }));
    const change = (edit: (spec: Json) => void): unknown => {
      const crd = structuredClone(schemaOf(migration));
      const spec = at(crd, 'properties', 'spec') as Json;
      edit(spec);
      return comparable(spec);
    };
    const retries = ['properties', 'recovery', 'properties', 'retries'];
    expect(change(() => undefined)).toEqual(zod);
    expect(change((spec) => ((at(spec, ...retries) as Json)['maximum'] = 11))).not.toEqual(zod);
    expect(change((spec) => ((at(spec, 'properties', 'source') as Json)['required'] = []))).not.toEqual(zod);
    expect(
      change((spec) =>
        (at(spec, 'properties', 'strategy', 'properties', 'mode', 'enum') as string[]).push('PostCopy'),
      ),
    ).not.toEqual(zod);
  });

  test('on the parts of an object and its required ones', () => {
    expect(Object.keys(at(schemaOf(migration), 'properties') as Json)).toEqual(
      Object.keys(crds.deviceMigration.shape),
    );
    expect(Object.keys(at(schemaOf(inventory), 'properties') as Json)).toEqual(
      Object.keys(crds.nodeDeviceInventory.shape),
    );
    expect(schemaOf(migration)['required']).toEqual(['spec']);
    expect(at(schemaOf(migration), 'properties', 'status', 'default')).toEqual({});
  });
});

describe('names', () => {
  test.each([
    [migration, crds.DEVICE_MIGRATION_PLURAL, crds.DEVICE_MIGRATION_KIND, 'Namespaced', 'dmig'],
    [inventory, crds.NODE_DEVICE_INVENTORY_PLURAL, crds.NODE_DEVICE_INVENTORY_KIND, 'Cluster', 'ndi'],
  ])('group, version and kind of CRD %# are the constants', (crd, plural, kind, scope, shortName) => {
    expect(at(crd, 'metadata', 'name')).toBe(`${plural}.${crds.GROUP}`);
    expect(at(crd, 'spec')).toMatchObject({
      group: crds.GROUP,
      scope,
      names: { plural, kind, shortNames: [shortName], listKind: `${kind}List`, singular: kind.toLowerCase() },
      versions: [{ name: crds.VERSION, served: true, storage: true, subresources: { status: {} } }],
    });
  });

  test('a migration shows the columns that people are told of', () => {
    const columns = at(migration, 'spec', 'versions', 0, 'additionalPrinterColumns') as Json[];
    const names = (priority: number): unknown[] =>
      columns.filter((column) => (column['priority'] ?? 0) === priority).map((column) => column['name']);
    expect(names(0)).toEqual(['Phase', 'Source', 'Target', 'Progress', 'Downtime', 'Age']);
    expect(names(1)).toEqual(['Bytes', 'Decision', 'Reason']);
  });
});

/** Every message of a CEL rule anywhere in a schema. */
function celMessages(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const own = ((schema as Json)['x-kubernetes-validations'] ?? []) as { message: string }[];
  return [...own.map(({ message }) => message), ...Object.values(schema).flatMap(celMessages)];
}

describe('rules over several fields', () => {
  const sentences: readonly string[] = Object.values(crds.rules);

  test('are the same sentences in the CRDs and in the code', () => {
    const yaml = [...celMessages(schemaOf(migration)), ...celMessages(schemaOf(inventory))];
    expect([...new Set(yaml)].sort()).toEqual([...sentences].sort());
  });

  test('each has a case that it refuses', () => {
    const refused = [...badManifests, ...badUpdates].map(({ messagePart }) => messagePart);
    const untested = sentences.filter((sentence) => !refused.includes(sentence));
    // Refused cases of inventories stand in inventory.test.ts.
    expect(untested).toEqual([crds.rules.inventoryOwnNode]);
  });
});
