import { status } from '@grpc/grpc-js';
import { CONTRACT_VERSION, loadTls, unknownSession, type Role } from '@transship/node-agent/contract';
import type { DeviceAgentHandlers } from '@transship/node-agent/internal/contract/generated/transship/agent/v1alpha1/DeviceAgent';
import { snapshotToWire } from '@transship/node-agent/internal/contract/messages';
import { MutualTlsCredentials } from '@transship/node-agent/internal/service/server-credentials';
import { startServer } from '@transship/node-agent/internal/service/server';
import type { TestPki } from '../support/certificates.ts';

export interface FutureAgent extends AsyncDisposable {
  readonly node: string;
  readonly endpoint: string;
  /** Whether a migration was taken over here. */
  readonly attached: () => boolean;
}

/** An agent two versions ahead that accepts every fence and describes itself; it knows no other rpc. */
export async function startFutureAgent(node: string, role: Role, pki: TestPki): Promise<FutureAgent> {
  let isAttached = false;
  const agent: Pick<DeviceAgentHandlers, 'Attach' | 'DescribeDevices'> = {
    Attach: ({ request: { header } }, done) => {
      if (header === null) {
        done({ code: status.INVALID_ARGUMENT });
        return;
      }
      isAttached = true;
      const { migrationUid, fence, sequence } = header;
      const session = { ...unknownSession(migrationUid, role, node), fence, sequence, version: 1 };
      done(null, { session: snapshotToWire(session) });
    },
    DescribeDevices: (_call, done) => {
      done(null, { nodeName: node, agentVersion: '9.0.0', contractVersion: CONTRACT_VERSION + 2 });
    },
  };
  const credentials = new MutualTlsCredentials(await loadTls(pki.node(node)));
  const services = { agent: agent as DeviceAgentHandlers, transfer: {} as never };
  const server = await startServer('127.0.0.1:0', credentials, services);
  return {
    node,
    endpoint: `127.0.0.1:${server.port}`,
    attached: () => isAttached,
    [Symbol.asyncDispose]: () => server.close(0),
  };
}
