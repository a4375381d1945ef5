/** By UID and fence: who commanded, as the operators logged it when agents answered. */
export function commandersOf(log: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Set<string>>();
  for (const line of log.split('\n')) {
    if (!line.includes('"msg":"agent answered"')) continue;
    const { uid, fence, instance } = JSON.parse(line) as { uid: string; fence: number; instance: string };
    const key = `${uid} ${fence}`;
    found.set(key, (found.get(key) ?? new Set()).add(instance));
  }
  return new Map([...found].map(([key, instances]) => [key, [...instances]]));
}
