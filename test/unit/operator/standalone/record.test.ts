import { describe, expect, test } from '@jest/globals';
import { deviceMigrationSpec, deviceMigrationStatus } from '@transship/crds';
import {
  decodeRecord,
  encodeRecord,
  type MigrationRecord,
  toStoredMigration,
} from '@transship/operator/internal/standalone/record';

const RECORD: MigrationRecord = {
  apiVersion: 'transship.dev/v1alpha1',
  kind: 'DeviceMigration',
  metadata: {
    name: 'trainer-0',
    namespace: 'ml',
    uid: '6f1c4f2e-7a0b-4b57-9d86-0c7f3f0f2a10',
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00.000Z',
    finalizers: ['transship.dev/migration'],
  },
  manifest: 'trainer.yaml',
  spec: deviceMigrationSpec.parse({
    source: { nodeName: 'gpu-a', devices: ['gpu-a/0'] },
    target: { nodeName: 'gpu-b' },
  }),
  status: deviceMigrationStatus.parse({ fence: 3, decision: { value: 'Commit', by: 'op' } }),
};

describe('a record file', () => {
  test('is read as it was written', () => {
    expect(decodeRecord('r.json', encodeRecord(RECORD))).toEqual(RECORD);
  });

  test('is JSON that shows the object', () => {
    expect(JSON.parse(encodeRecord(RECORD))).toMatchObject({ status: { decision: { value: 'Commit' } } });
  });

  test('is refused when it is torn anywhere', () => {
    const text = encodeRecord(RECORD);
    for (let length = 0; length < text.length - 1; length += 1) {
      expect(() => decodeRecord('r.json', text.slice(0, length))).toThrow('r.json is damaged or was edited');
    }
  });

  test('is refused when one character was changed', () => {
    const text = encodeRecord(RECORD);
    for (const [from, to] of [
      ['"Commit"', '"Abort"'],
      ['"fence": 3', '"fence": 2'],
      ['trainer-0', 'trainer-1'],
      ['gpu-a/0', 'gpu-a/1'],
    ] as const) {
      expect(text).toContain(from);
      expect(() => decodeRecord('r.json', text.replace(from, to))).toThrow('r.json is damaged or was edited');
    }
  });

  test('is refused when it is whole but no record', () => {
    for (const text of ['null', '[]', '{}', '{"checksum":"crc32:a3830348"}', '"x"']) {
      expect(() => decodeRecord('r.json', text)).toThrow('r.json is damaged or was edited');
    }
  });

  test('names a stable code', () => {
    expect(() => decodeRecord('r.json', '')).toThrow(expect.objectContaining({ code: 'Internal' }));
  });

  test('of a refused manifest tells why', () => {
    const refusal = { code: 'SameNode', message: 'the same', path: 'spec' } as const;
    const refused = decodeRecord('r.json', encodeRecord({ ...RECORD, spec: null, refusal }));
    expect(toStoredMigration(refused).spec).toEqual({ ok: false, ...refusal });
  });
});
