import { execFile } from 'node:child_process';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const BALLAST = 'ballast';
const SIZE = '2m';

/** A file system of its own, so small that it can be filled: a tmpfs. Mounting one needs root. */
export class SmallDisk implements AsyncDisposable {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async mount(directory: string): Promise<SmallDisk> {
    await mkdir(directory, { recursive: true });
    await run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE},mode=0700`, 'transship-faults', directory]);
    return new SmallDisk(directory);
  }

  /** Not one byte more fits: every write of data fails with ENOSPC. */
  async fill(): Promise<void> {
    const { bavail, bsize } = await statfs(this.directory);
    // A journal that is written meanwhile takes some of it: then the disk is full before the ballast is whole.
    await writeFile(this.#ballast, Buffer.alloc(bavail * bsize)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOSPC') throw error;
    });
  }

  async free(): Promise<void> {
    await rm(this.#ballast, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Lazily: a process that was killed a moment ago may not have let go of it yet.
    await run('umount', ['--lazy', this.directory]);
  }

  get #ballast(): string {
    return join(this.directory, BALLAST);
  }
}
