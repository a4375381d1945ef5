import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../../..');
let copy: string;

/** Runs the script of the copy; it finds its files relative to itself. */
const sync = (...args: string[]): Promise<{ code: number; stderr: string }> =>
  new Promise((resolve) => {
    const script = join(copy, 'crds/scripts/sync-chart.mjs');
    execFile(process.execPath, [script, ...args], { timeout: 60_000 }, (error, _stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stderr });
    });
  });

const template = (file: string): string => join(copy, 'charts/transship/templates/crds', file);

beforeEach(async () => {
  copy = await mkdtemp(join(tmpdir(), 'transship-chart-'));
  await cp(join(root, 'charts'), join(copy, 'charts'), { recursive: true });
  for (const part of ['scripts', 'devicemigrations.yaml', 'nodedeviceinventories.yaml']) {
    await cp(join(root, 'crds', part), join(copy, 'crds', part), { recursive: true });
  }
});

afterEach(() => rm(copy, { recursive: true, force: true }));

describe('the definitions in the chart', () => {
  test('are those in crds/', async () => {
    expect(await sync('--check')).toEqual({ code: 0, stderr: '' });
  });

  test('are reported when changed, missing or foreign, and written anew', async () => {
    await writeFile(template('devicemigrations.yaml'), 'changed');
    await rm(template('nodedeviceinventories.yaml'));
    const stale = await sync('--check');
    expect(stale.code).toBe(1);
    expect(stale.stderr).toContain('crds/devicemigrations.yaml');
    expect(stale.stderr).toContain('crds/nodedeviceinventories.yaml');
    expect(await sync()).toEqual({ code: 0, stderr: '' });
    expect(await sync('--check')).toEqual({ code: 0, stderr: '' });
    await writeFile(template('other.yaml'), '');
    expect(await sync('--check')).toMatchObject({ code: 1, stderr: expect.stringContaining('other.yaml') });
  });
});
