import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { KubeTransport } from '@transship/operator/internal/kube/transport';

import { issueTestPki } from '../../../support/certificates.ts';
import { expectEventually } from '../support/eventually.ts';
import { TemporaryFolder } from '../support/temporary-folder.ts';

const { signal } = new AbortController();
/** Long enough never to be what ends a request, except where a test asks for less. */
const DEADLINE_MS = 60_000;

let folder: TemporaryFolder;
let key: string;
let cert: string;
let caFile: string;
let server: Server;
let close: () => void;

beforeAll(async () => {
  folder = await TemporaryFolder.create();
  const pki = await issueTestPki(folder.path, ['fake']);
  caFile = pki.ca;
  key = await readFile(pki.node('fake').key, 'utf8');
  cert = await readFile(pki.node('fake').cert, 'utf8');
});

afterAll(() => folder[Symbol.asyncDispose]());

afterEach(async () => {
  close();
  await server[Symbol.asyncDispose]();
});

/** A transport to the server, on a connection that has not been used yet. */
async function listen(made: Server, closeAll: () => void): Promise<KubeTransport> {
  server = made.listen(0, '127.0.0.1');
  close = closeAll;
  await once(server, 'listening');
  const kubeConfig = new KubeConfig();
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/prefix/`;
  const cluster = { name: 'c', server: url, skipTLSVerify: false, caFile };
  kubeConfig.loadFromClusterAndUser(cluster, { name: 'u', token: 't' });
  return new KubeTransport(kubeConfig);
}

const request = (transport: KubeTransport, given = signal, deadlineMs = DEADLINE_MS) =>
  transport.request({ method: 'PATCH', path: '/thing', body: {}, deadlineMs }, given);

describe('the transport to an API server', () => {
  test('keeps the path of the server and verifies its certificate', async () => {
    const https = createHttpsServer({ key, cert }, ({ url, headers }, response) => {
      response.end(JSON.stringify({ url, authorization: headers.authorization }));
    });
    const transport = await listen(https, () => https.closeAllConnections());
    expect(await request(transport)).toEqual({ url: '/prefix/thing', authorization: 'Bearer t' });
    transport.close();
  });

  test.each(['DELETE', 'POST'] as const)('brings the whole body of a %s', async (method) => {
    const https = createHttpsServer({ key, cert }, (incoming, response) => {
      let body = '';
      incoming.on('data', (chunk: Buffer) => (body += chunk.toString()));
      incoming.on('end', () => response.end(JSON.stringify({ body })));
    });
    const transport = await listen(https, () => https.closeAllConnections());
    const body = { preconditions: { uid: 'ü' } };
    const answer = transport.request({ method, path: '/thing', body, deadlineMs: DEADLINE_MS }, signal);
    expect(await answer).toEqual({ body: JSON.stringify(body) });
  });

  test('knows that a request may have arrived once the connection stood', async () => {
    const https = createHttpsServer({ key, cert }, ({ socket }) => socket.destroy());
    const transport = await listen(https, () => https.closeAllConnections());
    await expect(request(transport)).rejects.toMatchObject({ name: 'NoAnswerError', sent: true });
  });

  test('knows that nothing was sent when the handshake never ended', async () => {
    const tcp = createTcpServer((socket) => sockets.push(socket));
    const sockets: { destroy(): unknown }[] = [];
    const transport = await listen(tcp, () => sockets.forEach((socket) => socket.destroy()));
    const call = request(transport, signal, 1_000);
    await expect(call).rejects.toMatchObject({ name: 'NoAnswerError', sent: false });
  });

  test('leaves every idle connection alone once one of them turned out to be dead', async () => {
    const dead = new Set<unknown>();
    const patience = new AbortController();
    let waiting: (() => void)[] = [];
    const https = createHttpsServer({ key, cert }, ({ socket }, response) => {
      if (dead.has(socket)) {
        patience.abort();
        return;
      }
      waiting.push(() => response.end('{}'));
      if (waiting.length < 3 && dead.size === 0) return;
      for (const answer of waiting) answer();
      waiting = [];
    });
    const open: unknown[] = [];
    https.on('secureConnection', (socket) => open.push(socket));
    const transport = await listen(https, () => https.closeAllConnections());
    await Promise.all([request(transport), request(transport), request(transport)]);
    for (const socket of open) dead.add(socket);

    await expect(request(transport, patience.signal)).rejects.toMatchObject({ sent: true });
    expect(await request(transport)).toEqual({});
    expect(open).toHaveLength(4);
    transport.close();
  });

  test('sends nothing to a server that cannot prove who it is', async () => {
    let asked = 0;
    const https = createHttpsServer({ key, cert }, (_request, response) => {
      asked += 1;
      response.end('{}');
    });
    const transport = await listen(https, () => https.closeAllConnections());
    const url = `https://localhost:${(server.address() as AddressInfo).port}`;
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromClusterAndUser(
      { name: 'c', server: url, skipTLSVerify: false },
      { name: 'u', token: 't' },
    );
    await expect(request(new KubeTransport(kubeConfig))).rejects.toMatchObject({ sent: false });
    expect(asked).toBe(0);
    transport.close();
  });

  /** Turns away what comes until there is a last word for it. */
  async function turningAway(last: object | null, headers: Record<string, string> = {}) {
    const asked: number[] = [];
    let over = 0;
    const https = createHttpsServer({ key, cert }, (_request, response) => {
      asked.push(performance.now());
      response.socket?.once('close', () => (over += 1));
      const isLast = last !== null && asked.length === 3;
      response.writeHead(isLast ? 200 : 429, isLast ? {} : headers).end(JSON.stringify(isLast ? last : {}));
    });
    return { asked, over: () => over, transport: await listen(https, () => https.closeAllConnections()) };
  }

  test('sends again what an overloaded server turned away, not sooner than that asked for', async () => {
    const { asked, transport } = await turningAway({ well: true }, { 'retry-after': '1' });
    expect(await request(transport)).toEqual({ well: true });
    const gaps = asked.slice(1).map((at, index) => at - (asked[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1_000);
    transport.close();
  });

  test('does so a few times only, and not beyond the deadline', async () => {
    const { asked, transport } = await turningAway(null);
    await expect(request(transport)).rejects.toMatchObject({ httpStatus: 429, retryAfterMs: null });
    expect(asked).toHaveLength(4);
    transport.close();
    close();
    await server[Symbol.asyncDispose]();
    const patient = await turningAway(null, { 'retry-after': '7200' });
    await expect(request(patient.transport)).rejects.toMatchObject({ retryAfterMs: 7_200_000 });
    expect(patient.asked).toHaveLength(1);
    patient.transport.close();
  });

  test('ends such a pause with the caller, who hears what came', async () => {
    // The caller ends such a connection when it has read the answer: then it pauses.
    const { asked, over, transport } = await turningAway(null, { 'retry-after': '50', connection: 'close' });
    const end = new AbortController();
    const call = request(transport, end.signal);
    call.catch(() => undefined);
    await expectEventually(() => over() === 1);
    end.abort();
    await expect(call).rejects.toMatchObject({ httpStatus: 429 });
    expect(asked).toHaveLength(1);
    transport.close();
  });

  test('reads no answer without end', async () => {
    const https = createHttpsServer({ key, cert }, (_request, response) => {
      const flood = (): boolean => response.destroyed || response.write('x'.repeat(1 << 20), flood);
      flood();
    });
    const transport = await listen(https, () => https.closeAllConnections());
    const call = transport.request({ method: 'GET', path: '/thing', deadlineMs: DEADLINE_MS }, signal);
    await expect(call).rejects.toThrow('longer than');
  });
});
