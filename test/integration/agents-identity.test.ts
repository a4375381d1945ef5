import { join } from 'node:path';
import { connect } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createAgentClient, loadTls } from '@transship/node-agent/contract';
import type { AgentClient } from '@transship/node-agent/contract';
import { issueTestPki } from '../support/certificates.ts';
import type { TestPki } from '../support/certificates.ts';
import { Harbour } from '../support/harbour.ts';
import { TransferFailure } from '@transship/node-agent/internal/transfer/transfer-failure';
import { GrpcPullConnector } from '@transship/node-agent/internal/transfer/pull-client';

let harbour: Harbour;
let strangers: TestPki;

beforeAll(async () => {
  harbour = await Harbour.open();
  strangers = await issueTestPki(join(harbour.directory, 'strangers'), ['gpu-b']);
});

afterAll(async () => {
  await harbour[Symbol.asyncDispose]();
});

const timeout = (): AbortSignal => AbortSignal.timeout(60_000);

async function describedBy(client: AgentClient): Promise<string> {
  try {
    return (await client.describe([], timeout())).nodeName;
  } finally {
    client.close();
  }
}

describe('commands', () => {
  test('are taken from an operator', async () => {
    expect(await describedBy(await harbour.source.agent.client(harbour.pki.operator))).toBe('gpu-a');
  });

  test('are not taken from the agent of a node', async () => {
    const client = await harbour.source.agent.client(harbour.pki.node('gpu-b'));
    await expect(describedBy(client)).rejects.toMatchObject({
      code: 'AgentUnreachable',
      status: 'PERMISSION_DENIED',
    });
  });

  test('are not taken from an operator of another authority', async () => {
    const { endpoint } = harbour.source.agent;
    const tls = { ...(await loadTls(strangers.operator)), ca: (await loadTls(harbour.pki.operator)).ca };
    const client = createAgentClient({ endpoint, tls, nodeName: 'gpu-a' });
    await expect(describedBy(client)).rejects.toMatchObject({
      code: 'AgentUnreachable',
      status: 'UNAVAILABLE',
    });
  });

  test('are not sent to an agent of another authority', async () => {
    const client = await harbour.source.agent.client(strangers.operator);
    await expect(describedBy(client)).rejects.toMatchObject({ code: 'AgentUnreachable' });
  });

  test('are not sent to the agent of another node than was meant', async () => {
    const { endpoint } = harbour.target.agent;
    const tls = await loadTls(harbour.pki.operator);
    await expect(describedBy(createAgentClient({ endpoint, tls, nodeName: 'gpu-a' }))).rejects.toMatchObject({
      code: 'AgentUnreachable',
    });
    expect(await describedBy(createAgentClient({ endpoint, tls, nodeName: 'gpu-b' }))).toBe('gpu-b');
    // Without a name the address is what the certificate must be for.
    expect(await describedBy(createAgentClient({ endpoint, tls, nodeName: null }))).toBe('gpu-b');
  });
});

describe('a connection', () => {
  const handshake = async (options: ConnectionOptions): Promise<string> => {
    const { ca } = await loadTls(harbour.pki.operator);
    const [host = '', port] = harbour.source.agent.endpoint.split(':');
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const socket = connect({
      ...options,
      ca,
      host,
      port: Number(port),
      ALPNProtocols: ['h2'],
      checkServerIdentity: () => undefined,
    });
    socket.on('error', reject);
    // With TLS 1.3 a client is through before the server has looked at its certificate.
    socket.on('data', () => resolve(socket.getProtocol() ?? ''));
    socket.on('close', () => reject(new Error('closed')));
    return promise.finally(() => socket.destroy());
  };

  test('speaks TLS 1.3', async () => {
    const { cert, key } = await loadTls(harbour.pki.operator);
    expect(await handshake({ cert, key })).toBe('TLSv1.3');
  });

  test('speaks nothing older', async () => {
    const { cert, key } = await loadTls(harbour.pki.operator);
    await expect(handshake({ cert, key, maxVersion: 'TLSv1.2' })).rejects.toMatchObject({
      code: expect.stringMatching(/ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/),
    });
  });

  test('needs a certificate of the client', async () => {
    await expect(handshake({})).rejects.toMatchObject({
      code: expect.stringContaining('CERTIFICATE_REQUIRED'),
    });
  });
});

describe('streams', () => {
  const pull = async (files: 'operator' | 'gpu-b', ticket: string): Promise<unknown> => {
    const { endpoint } = harbour.source.agent;
    const tls = files === 'operator' ? harbour.pki.operator : harbour.pki.node(files);
    const connector = new GrpcPullConnector({ endpoint, node: 'gpu-a', ticket, bandwidthLimit: 0 }, () =>
      loadTls(tls),
    );
    const stream = { kind: 'device', deviceIndex: 0 } as const;
    const request = { uid: 'unknown-migration', fence: 1, ticket, stream, generation: 1, next: 0 };
    for await (const item of connector.open(request, timeout())) return item;
    return null;
  };

  test('are not given to an operator', async () => {
    await expect(pull('operator', 'some ticket')).rejects.toMatchObject({
      details: expect.stringContaining('agent'),
    });
  });

  test('are not given to an agent without the ticket', async () => {
    const refusal: unknown = await pull('gpu-b', 'some ticket').catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(TransferFailure);
    expect(refusal).toMatchObject({ failure: { code: 'TicketInvalid' } });
  });
});
