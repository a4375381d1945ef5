import { z } from 'zod';
import type { KubeTransport } from './transport.ts';

const DEADLINE_MS = 10_000;
/** A Node may have tens of kilobytes, and an answer has a limit. */
const PAGE_SIZE = '200';
/** More pages than this are a server that never comes to an end. */
const MAX_PAGES = 1_000;

/**
 * All items of a collection, read page by page.
 * @throws as `KubeTransport.request`, and when something else than a list comes
 */
export async function listAll<Item>(
  transport: Pick<KubeTransport, 'request'>,
  path: string,
  item: z.ZodType<Item>,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Item[]> {
  const page = z.object({
    metadata: z.object({ continue: z.string().optional() }),
    items: z.array(item).nullable(),
  });
  const all: Item[] = [];
  let token = '';
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const paged = { ...query, limit: PAGE_SIZE, ...(token === '' ? {} : { continue: token }) };
    const request = { method: 'GET', path, query: paged, deadlineMs: DEADLINE_MS } as const;
    const { metadata, items } = page.parse(await transport.request(request, signal));
    all.push(...(items ?? []));
    token = metadata.continue ?? '';
    if (token === '') return all;
  }
  throw new Error(`the pages of ${path} do not end`);
}
