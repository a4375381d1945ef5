import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Folder of one run, for sockets, certificates, journals and logs. Gone when the process ends, however it ends. */
export interface Workspace {
  readonly directory: string;
  remove(): void;
}

/** @param keep leaves the folder behind, to be looked at. */
export async function openWorkspace(keep: boolean): Promise<Workspace> {
  const directory = await mkdtemp(join(tmpdir(), 'transship-demo-'));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  if (keep) return { directory, remove: () => undefined };
  // An error that nobody caught and a second Ctrl-C still pass here.
  process.once('exit', remove);
  return { directory, remove };
}
