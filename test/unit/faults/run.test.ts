import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Crew } from '../../faults/crew.ts';
import { removeFolders } from '../../faults/rig/folders.ts';
import { hasMissed, type Bench } from '../../faults/run-cells.ts';
import { finishing, startedAgain } from '../../faults/start-and-finish.ts';
import { perform } from '../../faults/tasks.ts';

test('what goes wrong after the judgement is added to what was found', async () => {
  const fails = (what: string) => () => Promise.reject(new Error(what));
  expect(await finishing(['the set runs twice'], fails('no space'), fails('no umount'))).toEqual({
    complaints: [
      'the set runs twice',
      'the logs cannot be kept: no space',
      'the nodes cannot be settled: no umount',
    ],
    logs: null,
  });
  const kept = await finishing(
    [],
    async () => '/logs',
    async () => undefined,
  );
  expect(kept).toEqual({ complaints: [], logs: '/logs' });
});

test('nodes that do not start are started three times, and each reason is kept', async () => {
  const notes: string[] = [];
  let starts = 0;
  const startAt = (good: number) => (): Promise<string> => {
    starts += 1;
    return starts === good ? Promise.resolve('nodes') : Promise.reject(new Error(`start ${starts}`));
  };
  expect(await startedAgain(startAt(3), (why) => notes.push(why))).toBe('nodes');
  expect(notes).toEqual(['start 1', 'start 2']);
  starts = 0;
  await expect(startedAgain(startAt(4), () => undefined)).rejects.toThrow('start 3');
});

test('a task that broke off is told once, and not tried again', async () => {
  let asked = 0;
  const bench = {
    rig: () => {
      asked += 1;
      return Promise.reject(new Error('the warm-up ended as Failed'));
    },
    takeRestarts: () => ['a device was slow'],
  };
  const task = { kind: 'cell', cell: { step: 6, fault: 'cut' } } as const;
  expect(await perform(bench as unknown as Bench, task)).toMatchObject({
    complaints: ['the warm-up ended as Failed'],
    restarts: ['a device was slow'],
  });
  expect(asked).toBe(1);
});

test('only a fault that did not meet its step, and nothing else that is wrong, is tried again', () => {
  expect(hasMissed(['the fault struck in step 7, not 6'])).toBe(true);
  expect(hasMissed(['the fault struck in step 7, not 6', 'both sides run'])).toBe(false);
  expect(hasMissed([])).toBe(false);
});

test('a worker that does not end is killed, and told of', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'crew-'));
  const deaf = join(folder, 'deaf.mjs');
  const good = join(folder, 'good.mjs');
  await writeFile(deaf, 'setInterval(() => undefined, 1000);');
  await writeFile(good, "process.once('disconnect', () => process.exit());");
  expect(await new Crew(1, { program: good }).end()).toEqual([]);
  expect((await new Crew(1, { program: deaf, patienceMs: 10 }).end()).join()).toMatch(/ended with SIGKILL/u);
  await rm(folder, { recursive: true });
});

test('folders of processes that have ended are removed, and no other', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'folders-'));
  const ended = spawn('true');
  await once(ended, 'exit');
  const kept = [`ts-faults-${process.pid}-b`, 'ts-faults-old', 'other'];
  for (const name of [`ts-faults-${ended.pid}-a`, `ts-faults-${ended.pid}-plane-a`, ...kept])
    await mkdir(join(parent, name, 'gpu-a'), { recursive: true });
  expect((await removeFolders(parent)).length).toBe(2);
  expect((await readdir(parent)).toSorted()).toEqual(kept.toSorted());
  await rm(parent, { recursive: true });
});
