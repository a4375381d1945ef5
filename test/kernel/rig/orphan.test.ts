/** Nothing that the rig has started outlives whoever started it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { eventually } from '../../support/managed-process.ts';

/** Starts a QEMU that runs nothing, as the rig starts one, and says its pid. */
const PROGRAM = `
import { ManagedProcess } from ${JSON.stringify(join(import.meta.dirname, '../../support/managed-process.ts'))};
const args = ['-M', 'none', '-nodefaults', '-display', 'none', '-S'];
const logFile = process.argv[2];
const qemu = new ManagedProcess({ name: 'qemu', program: 'qemu-system-x86_64', args, logFile });
console.log(qemu.pid);
setInterval(() => undefined, 1000);
`;

test('QEMU ends with the process that started it, even when that is killed', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'transship-orphan-'));
  const program = join(directory, 'starts-qemu.ts');
  await writeFile(program, PROGRAM);
  const parent = spawn(process.execPath, [program, join(directory, 'qemu.txt')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(String(said).trim());
  await eventually('QEMU runs', 60_000, () =>
    readFile(`/proc/${pid}/comm`, 'utf8').then(
      (comm) => (comm.startsWith('qemu') ? true : null),
      () => null,
    ),
  );
  parent.kill('SIGKILL');
  await eventually('the end of QEMU', 60_000, () => (existsSync(`/proc/${pid}`) ? null : true));
  expect(existsSync(`/proc/${pid}`)).toBe(false);
  await rm(directory, { recursive: true });
});
