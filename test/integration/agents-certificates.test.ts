import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { createAgentClient, loadTls, tlsRevision } from '@transship/node-agent/contract';
import type { TlsMaterial } from '@transship/node-agent/contract';
import { wire } from '@transship/node-agent/internal/contract/wire';
import { MutualTlsCredentials } from '@transship/node-agent/internal/service/server-credentials';
import { startServer } from '@transship/node-agent/internal/service/server';
import { issueTestPki } from '../support/certificates.ts';

/** A server that has devices of one node and nothing else. */
async function serve(credentials: MutualTlsCredentials) {
  const node = { nodeName: 'gpu-a', agentVersion: '0', transferEndpoint: 'gpu-a:1', devices: [] };
  const names = Object.keys(wire.DeviceAgent.service);
  const agent = Object.fromEntries(
    names.map((name) => [
      name,
      (_call: unknown, done: (error: null, reply: object) => void) => done(null, node),
    ]),
  );
  return startServer('127.0.0.1:0', credentials, {
    agent: agent as never,
    transfer: { Pull: (call) => call.end() },
  });
}

test('certificates that are replaced while the agent runs are used for new connections', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ts-tls-'));
  const [before, after] = await Promise.all(
    ['before', 'after'].map((name) => issueTestPki(join(directory, name), ['gpu-a'])),
  );
  if (before === undefined || after === undefined) throw new Error('no certificates');
  const material = await loadTls(before.node('gpu-a'));
  expect(await tlsRevision(before.node('gpu-a'))).toBe(material.revision);
  expect(await tlsRevision(after.node('gpu-a'))).not.toBe(material.revision);

  const credentials = new MutualTlsCredentials(material);
  const server = await serve(credentials);
  const ask = async (tls: TlsMaterial): Promise<string> => {
    const client = createAgentClient({ endpoint: `127.0.0.1:${server.port}`, tls, nodeName: 'gpu-a' });
    try {
      return (await client.describe([], AbortSignal.timeout(60_000))).nodeName;
    } finally {
      client.close();
    }
  };
  const [oldOperator, newOperator] = [await loadTls(before.operator), await loadTls(after.operator)];
  expect(await ask(oldOperator)).toBe('gpu-a');
  await expect(ask(newOperator)).rejects.toMatchObject({ code: 'AgentUnreachable' });
  credentials.reload(await loadTls(after.node('gpu-a')));
  expect(await ask(newOperator)).toBe('gpu-a');
  await expect(ask(oldOperator)).rejects.toMatchObject({ code: 'AgentUnreachable' });
  await server.close(100);
  await rm(directory, { recursive: true });
});

test('a server that takes the connection and says nothing holds a call no longer than a handshake may take', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ts-tls-'));
  const pki = await issueTestPki(directory, ['gpu-a']);
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as { port: number };
  const tls = await loadTls(pki.operator);
  const client = createAgentClient({ endpoint: `127.0.0.1:${port}`, tls, nodeName: 'gpu-a' });
  await expect(client.describe([], AbortSignal.timeout(60_000))).rejects.toMatchObject({
    code: 'AgentUnreachable',
    message: expect.stringContaining('TLS handshake'),
  });
  client.close();
  silent.close();
  await rm(directory, { recursive: true });
});
