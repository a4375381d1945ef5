import type { z } from 'zod';
import { pagesOf } from './pages.ts';
import type { KubeTransport } from './transport.ts';

const DEADLINE_MS = 10_000;
/** A Node may have tens of kilobytes. */
const PAGE_SIZE = 200;

/**
 * All items of a collection.
 * @throws as `pagesOf`
 */
export async function listAll<Item>(
  transport: Pick<KubeTransport, 'request'>,
  path: string,
  item: z.ZodType<Item>,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Item[]> {
  const all: Item[] = [];
  const paged = { path, query, pageSize: PAGE_SIZE, deadlineMs: DEADLINE_MS };
  for await (const { items } of pagesOf(transport, paged, item, signal)) all.push(...items);
  return all;
}
