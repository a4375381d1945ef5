import { expect, test } from '@jest/globals';
import { findByUid } from '@transship/operator/internal/kube/find';
import { listAll } from '@transship/operator/internal/kube/list-all';
import { knownNode } from '@transship/operator/internal/kube/node-condition';
import { pagesOf } from '@transship/operator/internal/kube/pages';
import type { ApiRequest, KubeTransport } from '@transship/operator/internal/kube/transport';

const NEVER = new AbortController().signal;

/** A collection of `count` pages with one item each, and what was asked for. */
function collection(count: number) {
  const asked: ApiRequest[] = [];
  const request: KubeTransport['request'] = (what) => {
    asked.push(what);
    const at = Number(what.query?.['continue'] ?? '0');
    const next = at + 1 < count ? { continue: String(at + 1) } : {};
    const item = { metadata: { name: `item-${at}`, namespace: 'ml', uid: `uid-${at}` } };
    return Promise.resolve({ metadata: { resourceVersion: '7', ...next }, items: [item] });
  };
  return { asked, transport: { request } };
}

/** Any schema does; this one is there. */
const named = knownNode;

test('all items come, page by page, with what was asked for besides', async () => {
  const { asked, transport } = collection(3);
  const all = await listAll(transport, '/things', named, { labelSelector: 'a=b' }, NEVER);
  expect(all.map(({ metadata }) => metadata.name)).toEqual(['item-0', 'item-1', 'item-2']);
  expect(asked.map(({ query }) => query)).toEqual([
    { labelSelector: 'a=b', limit: '200' },
    { labelSelector: 'a=b', limit: '200', continue: '1' },
    { labelSelector: 'a=b', limit: '200', continue: '2' },
  ]);
});

test('a migration is looked for no further than it is found', async () => {
  const { asked, transport } = collection(5);
  expect(await findByUid(transport, 'uid-1', NEVER)).toEqual({ namespace: 'ml', name: 'item-1' });
  expect(asked).toHaveLength(2);
  expect(await findByUid(transport, 'uid-9', NEVER)).toBeNull();
});

test('pages that do not end are given up, whoever asks for them', async () => {
  const { asked, transport } = collection(Number.POSITIVE_INFINITY);
  await expect(findByUid(transport, 'nobody', NEVER)).rejects.toThrow('do not end');
  await expect(listAll(transport, '/things', named, {}, NEVER)).rejects.toThrow('do not end');
  expect(asked).toHaveLength(20_000);
});

test('what is no list is no empty list', async () => {
  const transport = { request: () => Promise.resolve({ kind: 'Status' }) };
  const pages = pagesOf(transport, { path: '/things', pageSize: 1, deadlineMs: 1 }, named, NEVER);
  await expect(pages.next()).rejects.toThrow('metadata');
});
