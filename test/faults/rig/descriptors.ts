import { readdir, readFile, readlink } from 'node:fs/promises';

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
    // libfaketime's file is named after the process.
    const kind = link.replace(/^(socket|pipe):\[\d+\]$/u, '$1').replace(/(faketime_\w+?)_\d+/u, '$1');
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

/** TCP connections of a process, as the kernel shows them: local and remote port, and the number of their state. */
export async function connectionsOf(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder);
  const links = await Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => '')));
  const inodes = new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/u.exec(link)?.[1] ?? []));
  const port = (address = ''): number => Number.parseInt(address.split(':')[1] ?? '', 16);
  return (await readFile(`/proc/${pid}/net/tcp`, 'utf8')).split('\n').flatMap((line) => {
    const [, local, remote, state, , , , , , inode] = line.trim().split(/\s+/u);
    return inodes.has(inode ?? '') ? [`${port(local)} to ${port(remote)} state ${state}`] : [];
  });
}
