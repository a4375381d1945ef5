import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { expectEventually } from './support/eventually.ts';
import { TemporaryFolder } from './support/temporary-folder.ts';

const PROGRAM = join(import.meta.dirname, '..', '..', '..', 'operator', 'src', 'main.ts');
const MANIFEST = `
apiVersion: transship.dev/v1alpha1
kind: DeviceMigration
metadata: { name: a, namespace: ml }
spec: { source: { nodeName: gpu-a, devices: [gpu-a/0] }, target: { nodeName: gpu-b } }
`;

/** The program as a process, from its sources. */
class Program implements AsyncDisposable {
  readonly said: string[] = [];
  errors = '';
  readonly #process: ChildProcess;

  constructor(...args: string[]) {
    // It dies with the process of the test, however that ends.
    const run = ['--pdeathsig', 'KILL', '--', process.execPath, '--conditions=source', PROGRAM];
    this.#process = spawn('setpriv', [...run, ...args]);
    createInterface(this.#process.stdout!).on('line', (line) => {
      this.said.push((JSON.parse(line) as { msg: string }).msg);
    });
    this.#process.stderr!.on('data', (chunk) => (this.errors += String(chunk)));
  }

  async expectMessage(message: string): Promise<void> {
    await expectEventually(() => this.said.includes(message));
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    this.#process.kill(signal);
    return this.ended();
  }

  async ended(): Promise<number | null> {
    const { exitCode, signalCode } = this.#process;
    if (exitCode === null && signalCode === null) await once(this.#process, 'exit');
    return this.#process.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL');
  }
}

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await TemporaryFolder.create();
  // No agent listens, so the files are read and never used.
  await writeFile(join(folder.path, 'nothing.pem'), '');
});

afterEach(() => folder[Symbol.asyncDispose]());

function start(): Program {
  const pem = join(folder.path, 'nothing.pem');
  const agents = ['--agent', 'gpu-a=127.0.0.1:1', '--agent', 'gpu-b=127.0.0.1:1'];
  return new Program(
    '--manifests',
    folder.path,
    ...agents,
    '--tls-cert',
    pem,
    '--tls-key',
    pem,
    '--tls-ca',
    pem,
  );
}

interface Written {
  readonly metadata: { readonly uid: string };
  readonly status: { readonly fence: number };
}

async function record(): Promise<Written | null> {
  try {
    return JSON.parse(await readFile(join(folder.path, '.transship', 'ml.a.json'), 'utf8')) as Written;
  } catch {
    return null;
  }
}

describe('transship-operator on a folder', () => {
  test('takes a manifest up, and lets the folder go when told to stop', async () => {
    await writeFile(join(folder.path, 'a.yaml'), MANIFEST);
    await using program = start();
    await expectEventually(async () => (await record())?.status.fence === 1);
    expect(await program.end('SIGTERM')).toBe(0);
    expect(program.said.at(-1)).toBe('ended');
    expect(program.errors).toBe('');
    expect(await readdir(join(folder.path, '.transship'))).not.toContain('operator.lock');
  });

  test('waits while another one works, and goes on under a higher fence once that one was killed', async () => {
    await writeFile(join(folder.path, 'a.yaml'), MANIFEST);
    await using first = start();
    await expectEventually(async () => (await record())?.status.fence === 1);
    const before = await record();
    await using second = start();
    await second.expectMessage('another operator holds the folder, waiting');

    await first.end('SIGKILL');
    await second.expectMessage('leading');
    await expectEventually(async () => (await record())?.status.fence === 2);
    expect((await record())?.metadata.uid).toBe(before?.metadata.uid);
  });

  test('records the wish to cancel when the manifest of a migration is removed', async () => {
    await writeFile(join(folder.path, 'a.yaml'), MANIFEST);
    await using program = start();
    await program.expectMessage('leading');
    await expectEventually(async () => (await record()) !== null);
    await unlink(join(folder.path, 'a.yaml'));
    await expectEventually(async () => JSON.stringify(await record()).includes('deletionTimestamp'));
  });
});

describe('transship-operator', () => {
  test('ends with 2 and a sentence when its options do not go together', async () => {
    await using program = new Program(
      '--tls-cert',
      'c',
      '--tls-key',
      'k',
      '--tls-ca',
      'a',
      '--manifests',
      'd',
    );
    expect(await program.ended()).toBe(2);
    expect(program.errors).toContain('--manifests needs an --agent for every node');
  });

  test('ends with 1 when it cannot read what it needs', async () => {
    const missing = join(folder.path, 'missing.pem');
    const tls = ['--tls-cert', missing, '--tls-key', missing, '--tls-ca', missing];
    await using program = new Program('--manifests', folder.path, '--agent', 'a=b:1', ...tls);
    expect(await program.ended()).toBe(1);
    expect(program.said).toEqual(['cannot work']);
  });
});
