import { readdir, readlink } from 'node:fs/promises';

/** Open descriptors of a process by kind, such as `socket` or `anon_inode:[eventpoll]`; files by path. */
export async function descriptorsOf(pid: number): Promise<ReadonlyMap<string, number>> {
  const folder = `/proc/${pid}/fd`;
  const links = await Promise.all(
    // One that was closed since the folder was read is none.
    (await readdir(folder)).map((name) => readlink(`${folder}/${name}`).catch(() => null)),
  );
  const found = new Map<string, number>();
  for (const link of links) {
    if (link === null) continue;
    const kind = link.replace(/^(socket|pipe):\[\d+\]$/u, '$1');
    found.set(kind, (found.get(kind) ?? 0) + 1);
  }
  return found;
}

/** What is open now beyond what was open before, as words; empty: nothing. */
export function descriptorsBeyond(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): string[] {
  return [...after]
    .filter(([kind, count]) => count > (before.get(kind) ?? 0))
    .map(([kind, count]) => `${count - (before.get(kind) ?? 0)} more of ${kind}`);
}
