/** Messages of versions that do not exist yet, to the programs of this one. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Metadata, status } from '@grpc/grpc-js';
import type { MethodDefinition, ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CONTRACT_VERSION, loadTls } from '@transship/node-agent/contract';
import { CODE_METADATA_KEY } from '@transship/node-agent/internal/contract/call-error';
import { channelOptions } from '@transship/node-agent/internal/contract/channel';
import { channelCredentials } from '@transship/node-agent/internal/contract/tls';
import { wire } from '@transship/node-agent/internal/contract/wire';
import { issueTestPki } from '../support/certificates.ts';
import { Harbour } from '../support/harbour.ts';
import { eventually } from '../support/managed-process.ts';
import { migrationManifest } from '../support/migration-manifest.ts';
import { startOperator } from '../support/processes.ts';
import { startFutureAgent } from './future-agent.ts';

const PATIENCE_MS = 90_000;

type AnyMethod = MethodDefinition<object, Answer['reply']>;

interface Answer {
  readonly error: ServiceError | null;
  readonly reply: { readonly refusal: { readonly code: string } | null; readonly session: { fence: number } };
}

describe('an agent', () => {
  let harbour: Harbour;
  let stub: InstanceType<typeof wire.DeviceAgent>;

  beforeAll(async () => {
    harbour = await Harbour.open({ devices: 1, memory: '4M' });
    const credentials = channelCredentials(await loadTls(harbour.pki.operator), 'gpu-a');
    stub = new wire.DeviceAgent(harbour.source.agent.endpoint, credentials, channelOptions('gpu-a'));
  });

  afterAll(async () => {
    stub.close();
    await harbour[Symbol.asyncDispose]();
  });

  const call = (method: string, message: object, behind = Buffer.of()) =>
    new Promise<Answer>((resolve) => {
      const { path, requestSerialize, responseDeserialize } = wire.DeviceAgent.service[method] as AnyMethod;
      const bytes = (): Buffer => Buffer.concat([requestSerialize(message), behind]);
      const options = { deadline: Date.now() + PATIENCE_MS };
      stub.makeUnaryRequest(path, bytes, responseDeserialize, message, options, (error, reply) =>
        resolve({ error, reply } as never),
      );
    });
  const header = (migrationUid: string, contractVersion = CONTRACT_VERSION) => ({
    ...{ migrationUid, fence: 1, sequence: 1, operator: 'from-the-future', contractVersion },
  });
  const journal = async (): Promise<string[]> =>
    (await readdir(harbour.source.agent.stateDir)).filter((name) => name.endsWith('.session'));

  test('refuses an operator two versions ahead, and takes nothing of it in', async () => {
    const message = { header: header('too-new', CONTRACT_VERSION + 2), role: 'ROLE_SOURCE' };
    const { error, reply } = await call('Attach', message);
    expect(error).toBeNull();
    expect(reply).toMatchObject({ refusal: { code: 'VersionSkew' }, session: { fence: 0 } });
    expect(await journal()).not.toContain('too-new.session');
  });

  test.each([CONTRACT_VERSION - 1, CONTRACT_VERSION, CONTRACT_VERSION + 1])(
    'obeys an operator of version %d, whatever fields it adds',
    async (version) => {
      // Field 127, a number: nobody has it.
      const added = Buffer.of(0xf8, 0x07, 0x01);
      const message = { header: header(`version-${version}`, version), role: 'ROLE_SOURCE' };
      const { error, reply } = await call('Attach', message, added);
      expect(error).toBeNull();
      expect(reply).toMatchObject({ refusal: null, session: { fence: 1 } });
    },
  );

  test.each([
    ['an unknown role', 'Attach', { role: 9 }],
    ['no role', 'Attach', {}],
    ['an unknown decision', 'Activate', { decision: 9 }],
    ['no decision', 'RollBack', {}],
    ['an unknown kind of stream', 'Verify', { generation: 1, expected: [{ kind: 9 }] }],
  ] as const)('does not act on a command with %s', async (_what, method, parts) => {
    const { error } = await call(method, { header: header('unreadable'), ...parts });
    expect(error).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(error?.metadata.get(CODE_METADATA_KEY)).toEqual(['MessageUnreadable']);
    expect(await journal()).not.toContain('unreadable.session');
  });

  test('says of a call that it does not know that it does not, and goes on', async () => {
    const { path } = wire.DeviceAgent.service.Attach;
    const error = await new Promise<ServiceError | null>((resolve) => {
      const pass = (value: Buffer): Buffer => value;
      const unknown = path.replace('Attach', 'Teleport');
      stub.makeUnaryRequest(unknown, pass, pass, Buffer.of(), new Metadata(), (one) => resolve(one));
    });
    expect(error).toMatchObject({ code: status.UNIMPLEMENTED });
    const { reply } = await call('Attach', { header: header('afterwards'), role: 'ROLE_SOURCE' });
    expect(reply).toMatchObject({ refusal: null });
  });
});

test('an operator refuses a migration between agents two versions ahead, before it touches a device', async () => {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'ts-future-'));
  stack.defer(() => rm(directory, { recursive: true }));
  const pki = await issueTestPki(join(directory, 'pki'), ['gpu-a', 'gpu-b']);
  const agents = [
    stack.use(await startFutureAgent('gpu-a', 'source', pki)),
    stack.use(await startFutureAgent('gpu-b', 'target', pki)),
  ];
  const manifests = join(directory, 'manifests');
  await mkdir(manifests);
  await writeFile(join(manifests, 'set.yaml'), JSON.stringify(migrationManifest('set', { devices: [0] })));
  const logFile = join(directory, 'operator.log');
  stack.use(await startOperator({ manifests, logFile, tls: pki.operator, agents }));
  const record = join(manifests, '.transship', 'default.set.json');
  const ended = await eventually('the migration is refused', PATIENCE_MS, async () => {
    const text = await readFile(record, 'utf8').catch(() => 'null');
    const found = JSON.parse(text) as { status: { phase: string; error?: object } } | null;
    return found?.status.error === undefined ? null : found.status;
  });
  expect(ended).toMatchObject({
    phase: 'Rejected',
    error: { code: 'VersionSkew', message: expect.stringMatching(/upgrade the operator$/) },
  });
  // Any other rpc is UNIMPLEMENTED there.
  expect(agents.map(({ attached }) => attached())).toEqual([true, true]);
});
