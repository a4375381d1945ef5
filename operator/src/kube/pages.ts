import { z } from 'zod';
import type { KubeTransport } from './transport.ts';

/** More pages than this are a server that never comes to an end. */
const MAX_PAGES = 10_000;

export interface Paged {
  /** Of the collection. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly accept?: string;
  /** Items asked for at once; an answer has a limit. */
  readonly pageSize: number;
  /** Of one page. */
  readonly deadlineMs: number;
}

/** One page; `resourceVersion` is of the whole list, the same on every page of it. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly resourceVersion: string;
}

/**
 * A collection, page by page, as long as it is asked for the next one.
 * @throws as `KubeTransport.request`, when something else than a list comes, and when the pages do not end
 */
export async function* pagesOf<Item>(
  transport: Pick<KubeTransport, 'request'>,
  { path, query = {}, accept, pageSize, deadlineMs }: Paged,
  item: z.ZodType<Item>,
  signal: AbortSignal,
): AsyncGenerator<Page<Item>, void, void> {
  const page = z.object({
    metadata: z.object({ resourceVersion: z.string().default(''), continue: z.string().optional() }),
    items: z.array(item).nullable(),
  });
  let token = '';
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const asked = { ...query, limit: String(pageSize), ...(token === '' ? {} : { continue: token }) };
    const request = { method: 'GET', path, query: asked, deadlineMs } as const;
    const answer = await transport.request(accept === undefined ? request : { ...request, accept }, signal);
    const { metadata, items } = page.parse(answer);
    yield { items: items ?? [], resourceVersion: metadata.resourceVersion };
    token = metadata.continue ?? '';
    if (token === '') return;
  }
  throw new Error(`the pages of ${path} do not end`);
}
