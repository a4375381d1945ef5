import type { ServerResponse } from 'node:http';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '@transship/operator/internal/clock';
import { ListWatch, type ListWatchTimes, objectKey } from '@transship/operator/internal/kube/list-watch';
import { KubeTransport } from '@transship/operator/internal/kube/transport';
import type { Clock } from '@transship/operator/internal/reconcile/ports';

import { expectEventually } from '../support/eventually.ts';
import { failureStatus, FakeApi, type Received, sendJson } from '../support/fake-api.ts';
import { RecordLog } from '../support/record-log.ts';

/** Nothing ends by a limit of time unless a test asks for one. */
const TIMES: ListWatchTimes = {
  inactivityMs: 600_000,
  watchSeconds: 100,
  relistMs: 60_000,
  requestDeadlineMs: 600_000,
  backoff: { firstMs: 2, capMs: 10 },
  healthyMs: 60_000,
};

let api: FakeApi;
let end: AbortController;
let log: RecordLog;
/** What the clock says; only tests move it. */
let now: number;
/** What the sink was told, in order. */
let told: string[];
let finished: Promise<void>;
/** Names that a list answers with, and how a watch is answered; the last watch answer is used again. */
let names: string[];
let watches: ((response: ServerResponse) => void)[];

beforeEach(async () => {
  api = await FakeApi.start();
  end = new AbortController();
  log = new RecordLog();
  now = 0;
  told = [];
  names = [];
  watches = [silent];
  finished = Promise.resolve();
  api.answer = (response, { url }) => {
    if (url.searchParams.get('watch') !== 'true') return sendJson(response, 200, list(names, '100'));
    const [watch = silent] = watches.length > 1 ? watches.splice(0, 1) : watches;
    return watch(response);
  };
});

afterEach(async () => {
  end.abort();
  await finished;
  await api[Symbol.asyncDispose]();
});

function list(items: readonly string[], resourceVersion: string, token?: string): object {
  const metadata = { resourceVersion, ...(token === undefined ? {} : { continue: token }) };
  return { metadata, items: items.map((name) => object(name, '1')) };
}

function object(name: string, resourceVersion: string): object {
  return { metadata: { namespace: 'ml', name, resourceVersion } };
}

function line(type: string, thing: object): string {
  return `${JSON.stringify({ type, object: thing })}\n`;
}

/** Opens the answer and says nothing more. */
function silent(response: ServerResponse): void {
  response.writeHead(200).flushHeaders();
}

const saying =
  (...texts: string[]) =>
  (response: ServerResponse): void => {
    silent(response);
    for (const text of texts) response.write(text);
  };

const clock: Clock = { ...systemClock, now: () => now };

function start(times: Partial<ListWatchTimes> = {}, ownClock: Partial<Clock> = {}): void {
  const options = { path: '/things', metadataOnly: true, times: { ...TIMES, ...times } };
  const transport = new KubeTransport(api.kubeConfig);
  const listWatch = new ListWatch(transport, { ...clock, ...ownClock }, log, options);
  finished = listWatch.run(
    {
      upsert: (thing) => told.push(`+${objectKey(thing)}`),
      removed: (key) => told.push(`-${key}`),
      listed: () => told.push('listed'),
    },
    end.signal,
  );
}

const lists = () => told.filter((word) => word === 'listed').length;
const isWatch = ({ url }: Received) => url.searchParams.get('watch') === 'true';
const watchUrls = () => api.received.filter(isWatch).map(({ url }) => url);

describe('a list and watch', () => {
  test('asks for metadata, bookmarks and an end, from where the list stood, with the credentials', async () => {
    start();
    await expectEventually(() => watchUrls().length === 1);
    const [listed, watched] = api.received;
    expect(listed?.headers).toMatchObject({
      authorization: 'Bearer secret',
      accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json',
    });
    expect(watched?.headers.accept).toBe(
      'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json',
    );
    const query = Object.fromEntries(watched?.url.searchParams ?? []);
    expect(query).toMatchObject({ allowWatchBookmarks: 'true', resourceVersion: '100' });
    expect(Number(query['timeoutSeconds'])).toBeGreaterThanOrEqual(100);
    expect(Number(query['timeoutSeconds'])).toBeLessThanOrEqual(200);
  });

  test('tells of what is listed, added, changed and deleted, however the bytes are cut', async () => {
    names = ['a'];
    const text =
      line('ADDED', object('b', '101')) +
      line('MODIFIED', object('a', '102')) +
      line('DELETED', object('b', '103'));
    watches = [saying(...text.match(/[^]{1,7}/g)!)];
    start();
    await expectEventually(() => told.length === 5);
    expect(told).toEqual(['+ml/a', 'listed', '+ml/b', '+ml/a', '-ml/b']);
  });

  test('reads a list in pages', async () => {
    api.answer = (response, { url }) => {
      if (url.searchParams.get('watch') === 'true') return silent(response);
      if (url.searchParams.get('continue') === 'more') return sendJson(response, 200, list(['b'], '7'));
      return sendJson(response, 200, list(['a'], '7', 'more'));
    };
    start();
    await expectEventually(() => watchUrls().length === 1);
    expect(told).toEqual(['+ml/a', '+ml/b', 'listed']);
  });

  test('finds out by the next list what vanished while nobody watched', async () => {
    names = ['a', 'b'];
    watches = [
      (response) => {
        names = ['b'];
        response.destroy();
      },
      silent,
    ];
    start();
    await expectEventually(() => lists() === 2);
    expect(told).toEqual(['+ml/a', '+ml/b', 'listed', '+ml/b', '-ml/a', 'listed']);
  });

  test('finds out by the next list what came and vanished between two lists', async () => {
    watches = [
      (response) => {
        silent(response);
        response.write(line('ADDED', object('b', '101')), () => response.socket?.destroy());
      },
      silent,
    ];
    start();
    await expectEventually(() => lists() === 2);
    expect(told).toEqual(['listed', '+ml/b', '-ml/b', 'listed']);
  });

  const troubles: Record<string, (response: ServerResponse) => void> = {
    'the connection is cut': (response) => response.socket?.destroy(),
    'the connection is cut in the middle of an event': (response) => {
      silent(response);
      response.write('{"type":"ADD', () => response.socket?.destroy());
    },
    'the answer ends in the middle of an event': (response) => response.writeHead(200).end('{"type":"ADD'),
    'history is gone (410 as an event)': saying(line('ERROR', failureStatus(410, 'Expired'))),
    'history is gone (410 as an answer)': (response) =>
      sendJson(response, 410, failureStatus(410, 'Expired')),
    'the server is overloaded': (response) => sendJson(response, 429, failureStatus(429, 'TooManyRequests')),
    'the server fails': (response) => sendJson(response, 500, failureStatus(500, 'InternalError')),
    'a proxy answers with a page': (response) => response.writeHead(502).end('<html>bad gateway</html>'),
    'what comes is no JSON': saying('garbage\n'),
    'what comes is JSON but no event': saying('{"type":"ADDED","object":{}}\n', '[1]\n'),
    'an event has no end': (response) => {
      silent(response);
      const flood = (): boolean => response.destroyed || response.write('x'.repeat(1 << 20), flood);
      flood();
    },
    'the server closes each watch at once, in good order': (response) => response.writeHead(200).end(),
  };

  test.each(Object.entries(troubles))('lists again and goes on when %s', async (_name, trouble) => {
    watches = [trouble, trouble, saying(line('ADDED', object('after', '200')))];
    start();
    await expectEventually(() => told.includes('+ml/after'));
    expect(lists()).toBeGreaterThanOrEqual(3);
  });

  test.each<[string, (response: ServerResponse) => void, Partial<ListWatchTimes>]>([
    ['nothing is sent for longer than the inactivity limit', silent, { inactivityMs: 200 }],
    ['nothing is answered at all', () => undefined, { requestDeadlineMs: 500 }],
  ])('lists again and goes on when %s', async (_name, trouble, times) => {
    watches = [trouble, trouble, saying(line('ADDED', object('after', '200')))];
    start(times);
    await expectEventually(() => told.includes('+ml/after'));
    expect(lists()).toBeGreaterThanOrEqual(3);
  });

  const listTroubles: Record<string, (response: ServerResponse) => void> = {
    'is refused': (response) => sendJson(response, 403, failureStatus(403, 'Forbidden')),
    'is no list': (response) => sendJson(response, 200, { items: 'many' }),
    'is no JSON': (response) => response.writeHead(200).end('hello'),
    'is cut': (response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{', () => response.socket?.destroy());
    },
    'loses its place between two pages': (response) => sendJson(response, 410, failureStatus(410, 'Expired')),
  };

  test.each(Object.entries(listTroubles))('tries again when the list %s', async (_name, trouble) => {
    const usual = api.answer;
    let count = 0;
    api.answer = (response, received) => {
      count += 1;
      if (count <= 3) trouble(response);
      else usual(response, received);
    };
    names = ['a'];
    start();
    await expectEventually(() => lists() === 1);
    expect(told).toEqual(['+ml/a', 'listed']);
    expect(log.lines).toEqual(Array.from({ length: 3 }, () => 'warn watch ended, listing again'));
  });

  test('tries again when the list never comes', async () => {
    const usual = api.answer;
    api.answer = (response, received) => {
      if (api.received.length > 2) usual(response, received);
    };
    start({ requestDeadlineMs: 500 });
    await expectEventually(() => lists() === 1);
    expect(log.lines).toContain('warn watch ended, listing again');
  });

  test('comes back less and less often while lists take long to fail', async () => {
    api.answer = (response) => {
      now += 100;
      response.writeHead(500).end();
    };
    const pauses: number[] = [];
    const sleep: Clock['sleep'] = (ms, signal) => {
      pauses.push(ms);
      return systemClock.sleep(0, signal);
    };
    start({ healthyMs: 50, backoff: { firstMs: 10, capMs: 10_000 } }, { sleep });
    await expectEventually(() => pauses.length >= 8);
    expect(pauses[7]).toBeGreaterThan(100);
  });

  test('asks again for a list that does not say where it stands', async () => {
    const usual = api.answer;
    api.answer = (response, received) => {
      if (api.received.length > 1) usual(response, received);
      else sendJson(response, 200, { metadata: {}, items: [] });
    };
    start();
    await expectEventually(() => watchUrls().length === 1);
    expect(watchUrls()[0]?.searchParams.get('resourceVersion')).toBe('100');
  });

  test('goes on where a long watch ended in good order, without another list', async () => {
    watches = [
      (response) => {
        now += 60;
        response.writeHead(200).end(line('BOOKMARK', { metadata: { resourceVersion: '150' } }));
      },
      silent,
    ];
    start({ healthyMs: 50 });
    await expectEventually(() => watchUrls().length === 2);
    expect(watchUrls().map((url) => url.searchParams.get('resourceVersion'))).toEqual(['100', '150']);
    expect(lists()).toBe(1);
  });

  test('lists anew after a time even when every watch is well', async () => {
    watches = [
      (response) => {
        now += 30;
        response.writeHead(200).end();
      },
    ];
    start({ healthyMs: 10, relistMs: 100 });
    await expectEventually(() => api.received.length >= 10);
    const round = ['list', 'watch', 'watch', 'watch', 'watch'];
    const asked = api.received.slice(0, 10).map((received) => (isWatch(received) ? 'watch' : 'list'));
    expect(asked).toEqual([...round, ...round]);
  });

  test('does not storm a server that ends every watch', async () => {
    watches = [(response) => response.writeHead(200).end()];
    const pauses: number[] = [];
    const sleep: Clock['sleep'] = (ms, signal) => {
      pauses.push(ms);
      return systemClock.sleep(0, signal);
    };
    start({ backoff: { firstMs: 20, capMs: 40 } }, { sleep });
    // Two requests a round, and a pause before each round but the first.
    await expectEventually(() => api.received.length > 20);
    expect(pauses.length).toBeGreaterThanOrEqual(10);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(10);
    expect(Math.min(...pauses.slice(1))).toBeGreaterThanOrEqual(20);
  });

  test('stays away for as long as the server asks, within a bound', async () => {
    const pauses: number[] = [];
    const sleep: Clock['sleep'] = (ms, signal) => {
      pauses.push(ms);
      return systemClock.sleep(0, signal);
    };
    const refusing = (seconds: number) => (response: ServerResponse) =>
      sendJson(response, 503, failureStatus(503, 'ServiceUnavailable', { retryAfterSeconds: seconds }));
    watches = [refusing(7), refusing(86_400), silent];
    start({ backoff: { firstMs: 20, capMs: 40 } }, { sleep });
    await expectEventually(() => pauses.length === 2 && watchUrls().length === 3);
    expect(pauses.map((ms) => Math.floor(ms / 1_000))).toEqual([7, 60]);
  });

  test('ends quietly when aborted, whatever it waits for', async () => {
    start();
    await expectEventually(() => watchUrls().length === 1);
    end.abort();
    await finished;
    expect(log.lines).toEqual([]);
  });

  test('outlives a sink that throws', async () => {
    watches = [saying(line('ADDED', object('b', '101')))];
    const transport = new KubeTransport(api.kubeConfig);
    const options = { path: '/things', metadataOnly: false, times: TIMES };
    let calls = 0;
    const upsert = (): void => {
      calls += 1;
      throw new Error('a mistake');
    };
    names = ['a'];
    finished = new ListWatch(transport, systemClock, log, options).run(
      { upsert, removed: upsert },
      end.signal,
    );
    await expectEventually(() => calls === 2);
    expect(log.lines).toEqual(['error listener threw', 'error listener threw']);
    expect(watchUrls()).toHaveLength(1);
  });
});
