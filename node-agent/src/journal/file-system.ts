import { open, mkdir, readFile, readdir, rename, unlink } from 'node:fs/promises';

/** What the journal needs of a file system; each call is durable only as its comment says. */
export interface FileSystem {
  ensureDirectory(path: string): Promise<void>;
  /** Names in a directory, in no order. */
  list(directory: string): Promise<string[]>;
  read(path: string): Promise<Buffer>;
  /** Creates the file anew and writes it; its contents are on disk when this returns, its name need not be. */
  writeDurably(path: string, contents: Buffer): Promise<void>;
  /** Atomic; the new name is on disk only after syncDirectory. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
}

/** Owner only: the journal holds tickets. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

export const nodeFileSystem: FileSystem = {
  ensureDirectory: async (path) => {
    await mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
  },
  list: (directory) => readdir(directory),
  read: (path) => readFile(path),
  writeDurably: async (path, contents) => {
    await using file = await open(path, 'w', FILE_MODE);
    await file.writeFile(contents);
    await file.sync();
  },
  rename,
  remove: unlink,
  syncDirectory: async (path) => {
    await using directory = await open(path, 'r');
    await directory.sync();
  },
};
