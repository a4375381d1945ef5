import type { Api } from './api.ts';
import { ApiFailure } from './api.ts';

/** Registers a node that can take pods: its object, and a status that says what it has and that it is ready. */
export async function registerNode(
  api: Api,
  name: string,
  devices: Readonly<Record<string, number>>,
  labels: Readonly<Record<string, string>> = {},
): Promise<void> {
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
  };
  try {
    await api.call({ method: 'POST', path: '/api/v1/nodes', body: node });
  } catch (error) {
    // Somebody has made it for its agent's pod.
    if (!(error instanceof ApiFailure && error.status === 409)) throw error;
    await patchNode(api, name, '', { metadata: node.metadata });
  }
  const counts = Object.entries(devices).map(([resource, count]) => [resource, String(count)]);
  const resources = { cpu: '16', memory: '64Gi', pods: '110', ...Object.fromEntries(counts) };
  await patchNode(api, name, '/status', {
    status: {
      capacity: resources,
      allocatable: resources,
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'StandIn',
          message: 'the stand-in of a kubelet takes pods',
          lastHeartbeatTime: new Date().toISOString(),
          lastTransitionTime: new Date().toISOString(),
        },
      ],
    },
  });
}

const patchNode = (api: Api, name: string, subresource: string, body: unknown): Promise<unknown> =>
  api.call({
    method: 'PATCH',
    path: `/api/v1/nodes/${name}${subresource}`,
    contentType: 'application/strategic-merge-patch+json',
    body,
  });
