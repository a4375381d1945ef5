import { randomBytes } from 'node:crypto';
import { open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Ends the name of a file that is being written; after a crash such a file means nothing. */
export const TEMPORARY_SUFFIX = '.tmp';

/** The file was replaced, but the directory could not be flushed: a power failure may still undo it. */
export class NotDurableError extends Error {
  override readonly name = 'NotDurableError';
}

/**
 * Replaces a file so that a reader, or whoever looks after a crash, sees the old contents or the new, never a part:
 * write beside it, flush, rename, flush the directory.
 * @param guard asked between flush and rename; when it rejects, the file stays as it was
 * @throws NotDurableError when the rename was done but may not last; anything else when nothing was changed
 */
export async function replaceFile(path: string, contents: string, guard: () => Promise<void>): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}${TEMPORARY_SUFFIX}`;
  try {
    await writeFlushed(temporary, contents);
    await guard();
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await flushDirectory(dirname(path));
}

/**
 * Removes a file for good; one that is not there is fine.
 * @throws as `replaceFile`
 */
export async function removeFile(path: string, guard: () => Promise<void>): Promise<void> {
  await guard();
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await flushDirectory(dirname(path));
}

async function writeFlushed(path: string, contents: string): Promise<void> {
  await using file = await open(path, 'wx', 0o644);
  await file.writeFile(contents);
  await file.sync();
}

async function flushDirectory(path: string): Promise<void> {
  try {
    await using directory = await open(path, 'r');
    await directory.sync();
  } catch (error) {
    throw new NotDurableError(`${path} was changed but cannot be flushed`, { cause: error });
  }
}
