import { join } from 'node:path';
import { ChannelCredentials, Client, loadPackageDefinition, Server, ServerCredentials } from '@grpc/grpc-js';
import type { handleUnaryCall, MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { projectRoot } from '../../support/processes.ts';
import type { DevicePool } from './device-pool.ts';

/** A pod that holds something on the node, whether or not it has devices. */
export interface ListedPod {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly containers: readonly string[];
}

/** PodResources v1 of a node on a unix socket, where the agent looks for it. Close it. */
export class PodResourcesServer implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** `pods`: all that have not ended; their devices are those of the pool. */
  static async listen(socketPath: string, pool: DevicePool, pods: () => readonly ListedPod[]) {
    const server = new Server();
    const list: handleUnaryCall<unknown, unknown> = (_call, answer) =>
      answer(null, { pod_resources: pods().map((pod) => resourcesOf(pod, pool)) });
    server.addService(service(), { List: list });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.bindAsync(`unix://${socketPath}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    );
    await promise;
    return new PodResourcesServer(server);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
    return Promise.resolve();
  }
}

function resourcesOf({ name, namespace, uid, containers }: ListedPod, pool: DevicePool) {
  const held = pool.of(uid)?.containers ?? [];
  return {
    name,
    namespace,
    containers: containers.map((container) => ({
      name: container,
      devices: held
        .filter((one) => one.name === container)
        .map(({ deviceIds }) => ({
          resource_name: pool.resource,
          device_ids: deviceIds,
          topology: { nodes: [{ ID: 0 }] },
        })),
    })),
  };
}

function service(): ServiceDefinition {
  const folder = join(projectRoot, 'test', 'drain', 'kubelet');
  const definition = loadSync('pod-resources.proto', {
    includeDirs: [folder],
    keepCase: true,
    longs: Number,
    arrays: true,
  });
  const { v1 } = loadPackageDefinition(definition) as unknown as {
    v1: { PodResourcesLister: { service: ServiceDefinition } };
  };
  return v1.PodResourcesLister.service;
}

interface ListAnswer {
  readonly pod_resources: readonly unknown[];
}

const DEADLINE_MS = 60_000;

/** Asks a PodResources server as a client of the same definition. */
export async function listPodResources(socketPath: string) {
  const client = new Client(`unix://${socketPath}`, ChannelCredentials.createInsecure());
  const list = service()['List'] as MethodDefinition<object, ListAnswer>;
  const { promise, resolve, reject } = Promise.withResolvers<ListAnswer>();
  client.makeUnaryRequest(
    list.path,
    list.requestSerialize,
    list.responseDeserialize,
    {},
    { deadline: Date.now() + DEADLINE_MS },
    (error, answer) => (error === null ? resolve(answer as ListAnswer) : reject(error)),
  );
  try {
    return (await promise).pod_resources;
  } finally {
    client.close();
  }
}
