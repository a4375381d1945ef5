/** Folders of rigs, which carry the process id of who made them: what a run left that was killed is found by it. */
import { execFile } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const OWNED = /^ts-faults-(\d+)-/u;

/** For mkdtemp. */
export const folderPrefix = (kind = ''): string => join(tmpdir(), `ts-faults-${process.pid}-${kind}`);

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
};

/** Unmounts and removes the folders of processes that have ended; returns their names. */
export async function removeFolders(parent: string = tmpdir()): Promise<string[]> {
  const names = (await readdir(parent)).filter((name) => {
    const pid = OWNED.exec(name)?.[1];
    return pid !== undefined && !isAlive(Number(pid));
  });
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
  for (const folder of names.map((name) => join(parent, name))) {
    const inside = mounts.filter((mount) => mount.startsWith(`${folder}/`));
    for (const mount of inside) await run('umount', ['--lazy', mount]);
    await rm(folder, { recursive: true, force: true });
  }
  return names;
}
