import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { removeFile, replaceFile } from '@transship/operator/internal/standalone/durable-file';

import { Child } from '../support/child.ts';
import { TemporaryFolder } from '../support/temporary-folder.ts';

let folder: TemporaryFolder;
let path: string;
const free = async (): Promise<void> => undefined;

beforeEach(async () => {
  folder = await TemporaryFolder.create();
  path = join(folder.path, 'record.json');
});

afterEach(() => folder[Symbol.asyncDispose]());

describe('replacing a file', () => {
  test('makes it and replaces it, and leaves nothing else', async () => {
    await replaceFile(path, 'one', free);
    await replaceFile(path, 'two', free);
    expect(await readFile(path, 'utf8')).toBe('two');
    expect(await readdir(folder.path)).toEqual(['record.json']);
  });

  test('shows a reader the old contents whole until the new are there whole', async () => {
    const contents = ['a', 'b'].map((letter) => letter.repeat(300_000));
    await replaceFile(path, contents[0]!, free);
    let writing = true;
    const seen = new Set<string>();
    const reading = (async () => {
      while (writing) seen.add(await readFile(path, 'utf8'));
    })();
    for (let round = 0; round < 20; round += 1) await replaceFile(path, contents[round % 2]!, free);
    writing = false;
    await reading;
    expect([...seen].every((text) => contents.includes(text))).toBe(true);
  });

  test('changes nothing when the guard refuses', async () => {
    await writeFile(path, 'old');
    const guard = () => Promise.reject(new Error('not yours any more'));
    await expect(replaceFile(path, 'new', guard)).rejects.toThrow('not yours any more');
    await expect(removeFile(path, guard)).rejects.toThrow('not yours any more');
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder.path)).toEqual(['record.json']);
  });

  test('changes nothing when the process is killed between the flush and the rename', async () => {
    await writeFile(path, 'old');
    await using child = new Child(`
      import { replaceFile } from '@transship/operator/internal/standalone/durable-file';
      await replaceFile(${JSON.stringify(path)}, 'new', () => {
        console.log('flushed');
        return new Promise(() => setInterval(() => undefined, 1000));
      });`);
    await child.expectLine('flushed');
    await child.kill();

    expect(await readFile(path, 'utf8')).toBe('old');
    const [leftover] = (await readdir(folder.path)).filter((name) => name.endsWith('.tmp'));
    expect(await readFile(join(folder.path, leftover!), 'utf8')).toBe('new');
  });
});

describe('removing a file', () => {
  test('is done also when it is not there', async () => {
    await writeFile(path, 'old');
    await removeFile(path, free);
    await removeFile(path, free);
    expect(await readdir(folder.path)).toEqual([]);
  });
});
