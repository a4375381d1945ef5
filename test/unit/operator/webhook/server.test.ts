import { once } from 'node:events';
import { Agent, request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { issueAuthority, issueServing } from '@transship/operator/internal/certificates/issue';
import type { Pair } from '@transship/operator/internal/certificates/pair';
import { allowed } from '@transship/operator/internal/webhook/review';
import { WebhookServer } from '@transship/operator/internal/webhook/server';

const DAY_MS = 86_400_000;
const validity = () => ({
  notBefore: new Date(Date.now() - DAY_MS),
  notAfter: new Date(Date.now() + DAY_MS),
});

let authority: Pair;
let serving: Pair;
const agents: Agent[] = [];

beforeAll(async () => {
  authority = await issueAuthority(validity());
  serving = await issueServing(authority, ['127.0.0.1'], validity());
});
afterEach(() => agents.splice(0).forEach((agent) => agent.destroy()));

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly serial: string;
}

const client = (): Agent => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agents.push(agent);
  return agent;
};

async function send(
  port: number,
  body: string,
  { path = '/evictions', method = 'POST', agent = client(), ca = authority.cert } = {},
): Promise<Reply> {
  const outgoing = request({ host: '127.0.0.1', port, path, method, ca, agent });
  outgoing.end(body);
  const [response] = await once(outgoing, 'response');
  const { serialNumber } = (response.socket as TLSSocket).getPeerCertificate();
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, body: text, serial: serialNumber };
}

const listen = (answer: (body: unknown, signal: AbortSignal) => Promise<ReturnType<typeof allowed> | null>) =>
  WebhookServer.listen({ host: '127.0.0.1', port: 0, serving, answer });

describe('the webhook server', () => {
  test('answers a call with what it was asked', async () => {
    await using server = await listen(async (body) => allowed((body as { uid: string }).uid));
    const { status, body } = await send(server.port, '{"uid":"q"}');
    expect([status, JSON.parse(body)]).toMatchObject([200, { response: { uid: 'q', allowed: true } }]);
  });

  test.each([
    ['another path', { path: '/' }, '{}', 404],
    ['another method', { method: 'PUT' }, '{}', 404],
    ['what is no JSON', {}, '{', 400],
    ['what is no review', {}, '{"uid":"none"}', 400],
    ['more than it reads', {}, `"${'x'.repeat(300_000)}"`, 413],
  ])('refuses %s', async (_what, options, body, status) => {
    await using server = await listen(async (asked) =>
      (asked as { uid?: string }).uid === 'none' ? null : allowed('q'),
    );
    expect(await send(server.port, body, options)).toMatchObject({ status });
  });

  test('leaves its answer to come before the API server stops waiting', async () => {
    await using server = await listen(async (_body, signal) => {
      await once(signal, 'abort');
      return allowed('late');
    });
    const { body } = await send(server.port, '{}', { path: '/evictions?timeout=1s' });
    expect(JSON.parse(body)).toMatchObject({ response: { uid: 'late' } });
  });

  test('shows a new certificate to new connections and goes on with those that stand', async () => {
    await using server = await listen(async () => allowed('q'));
    const standing = client();
    const first = await send(server.port, '{}', { agent: standing });
    const next = await issueAuthority(validity());
    server.replace(await issueServing(next, ['127.0.0.1'], validity()));
    expect(await send(server.port, '{}', { agent: standing })).toMatchObject({
      status: 200,
      serial: first.serial,
    });
    await expect(send(server.port, '{}')).rejects.toMatchObject({ code: expect.any(String) });
    const second = await send(server.port, '{}', { ca: next.cert });
    expect(second.status).toBe(200);
    expect(second.serial).not.toBe(first.serial);
  });

  test('answers what was on its way when it ends', async () => {
    const entered = Promise.withResolvers<void>();
    const leave = Promise.withResolvers<void>();
    const server = await listen(async () => {
      entered.resolve();
      await leave.promise;
      return allowed('q');
    });
    const reply = send(server.port, '{}');
    await entered.promise;
    const end = server[Symbol.asyncDispose]();
    leave.resolve();
    expect(await reply).toMatchObject({ status: 200 });
    await end;
    await expect(send(server.port, '{}')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
