/** What surrounds a judgement: the start of nodes, which may be tried again, and the end, which may lose nothing. */

/** How often nodes are started before that is given up: a device may be slow to answer on a busy machine. */
const STARTS = 3;

/** Starts until it is done. @throws with the last reason; `note` gets those of the starts before. */
export async function startedAgain<T>(start: () => Promise<T>, note: (why: string) => void): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      if (attempt === STARTS) throw error;
      note((error as Error).message);
    }
  }
}

/** Never rejects: an error of keeping logs or of settling is added to the complaints that there are. */
export async function finishing(
  complaints: readonly string[],
  keepLogs: () => Promise<string | null>,
  settle: () => Promise<void>,
): Promise<{ complaints: readonly string[]; logs: string | null }> {
  const more: string[] = [];
  const logs = await keepLogs().catch((error: unknown) => {
    more.push(`the logs cannot be kept: ${(error as Error).message}`);
    return null;
  });
  await settle().catch((error: unknown) => {
    more.push(`the nodes cannot be settled: ${(error as Error).message}`);
  });
  return { complaints: [...complaints, ...more], logs };
}
