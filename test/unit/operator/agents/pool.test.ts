import { beforeEach, describe, expect, test } from '@jest/globals';
import type { AgentClientOptions } from '@transship/node-agent/contract';
import { ClientPool } from '@transship/operator/internal/agents/pool';

import { FakeClient, snapshot } from '../support/fake-agent.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordLog } from '../support/record-log.ts';

const REQUEST = {
  header: { uid: 'uid-1', fence: 1, sequence: 1, operator: 'op' },
  role: 'source',
  command: { kind: 'attach' },
} as const;
const { signal } = new AbortController();

let endpoints: Map<string, string>;
let revision: string;
let made: { options: AgentClientOptions; client: FakeClient }[];
let pool: ClientPool;

beforeEach(() => {
  endpoints = new Map([['gpu-a', '10.0.0.1:7443']]);
  revision = '1';
  made = [];
  const pem = Buffer.from('pem');
  pool = new ClientPool({
    endpoints: { endpoint: (nodeName) => endpoints.get(nodeName) ?? null },
    tls: {
      get current() {
        return { cert: pem, key: pem, ca: pem, revision };
      },
    },
    createClient: (options) => {
      const client = new FakeClient();
      client.commands = [() => ({ session: snapshot('a', 1), refusal: null })];
      made.push({ options, client });
      return client;
    },
    clock: new ManualClock(),
    log: new RecordLog(),
    patienceMs: null,
  });
});

const call = () => pool.agent('gpu-a')?.command(REQUEST, 0, signal);

describe('the pool of agents', () => {
  test('knows no agent of a node without an endpoint', () => {
    expect(pool.agent('gpu-b')).toBeNull();
  });

  test('connects once, by the name of the node, when something is asked for', async () => {
    expect(made).toHaveLength(0);
    await call();
    await call();
    expect(made.map(({ options: { endpoint, nodeName } }) => [endpoint, nodeName])).toEqual([
      ['10.0.0.1:7443', 'gpu-a'],
    ]);
  });

  test('connects anew when the agent moved, and ends the old connection', async () => {
    const agent = pool.agent('gpu-a');
    await agent?.command(REQUEST, 0, signal);
    endpoints.set('gpu-a', '10.0.0.2:7443');
    await agent?.command(REQUEST, 0, signal);
    expect(made.map(({ options, client }) => [options.endpoint, client.closed])).toEqual([
      ['10.0.0.1:7443', true],
      ['10.0.0.2:7443', false],
    ]);
  });

  test('connects anew when the certificate was replaced', async () => {
    await call();
    revision = '2';
    await call();
    expect(made.map(({ options, client }) => [options.tls.revision, client.closed])).toEqual([
      ['1', true],
      ['2', false],
    ]);
  });

  test('says that an agent is unreachable whose endpoint was withdrawn', async () => {
    const agent = pool.agent('gpu-a');
    await agent?.command(REQUEST, 0, signal);
    endpoints.clear();
    expect(await agent?.command(REQUEST, 0, signal)).toMatchObject({ kind: 'unreachable' });
    expect(made[0]?.client.closed).toBe(true);
  });

  test('ends every connection when closed', async () => {
    await call();
    pool.close();
    expect(made[0]?.client.closed).toBe(true);
  });
});
