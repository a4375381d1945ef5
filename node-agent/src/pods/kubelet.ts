import { fileURLToPath } from 'node:url';
import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import type { ChannelOptions, ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { BoundedHandshake } from '../contract/bounded-handshake.ts';
import { CONNECTS_ONCE } from '../contract/channel.ts';
import { unaryCall } from '../contract/unary-call.ts';
import type { ProtoGrpcType } from './generated/podresources.ts';
import type { ListPodResourcesResponse__Output } from './generated/v1/ListPodResourcesResponse.ts';
import { readList, UnreadableList } from './listed.ts';
import type { ListedDevice } from './listed.ts';

/** The proto file stands beside src/ and dist/, which are equally deep. */
const includeDir = fileURLToPath(new URL('../../proto', import.meta.url));

/** The options of scripts/generate-proto.mjs, so that the generated types are true. */
const definition = loadSync('kubelet/podresources/v1/podresources.proto', {
  includeDirs: [includeDir],
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
});

/** Client constructor of the kubelet's API. */
const { PodResourcesLister } = (loadPackageDefinition(definition) as unknown as ProtoGrpcType).v1;

/** A kubelet answers from its memory; one that needs longer is stopped or stuck. */
const CALL_DEADLINE_MS = 2_500;
/** For what is still to be sent on a connection that is let go of, ms. */
const RELEASE_MS = 100;
/** As much as the kubelet's own clients take. */
export const MAX_LIST_BYTES = 16 * 1024 * 1024;

const OPTIONS: ChannelOptions = {
  'grpc.max_receive_message_length': MAX_LIST_BYTES,
  'grpc.enable_http_proxy': 0,
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.use_local_subchannel_pool': 1,
  ...CONNECTS_ONCE,
};

/** The kubelet has not told which pods have which devices. */
export class KubeletSilent extends Error {
  override readonly name = 'KubeletSilent';
}

/**
 * Every device that the kubelet of this node has given to a pod (PodResources v1, List). A connection of its own for one
 * call: a socket of this machine costs nothing to connect, and no call can hang in what a kubelet that was restarted left
 * behind. Answers or rejects within 2.5 s.
 * @throws KubeletSilent
 */
export async function listDevices(socketPath: string, signal: AbortSignal): Promise<readonly ListedDevice[]> {
  // grpc-js keeps a connection on which the kubelet says nothing, or no gRPC, also when its client was closed.
  const connection = new BoundedHandshake(credentials.createInsecure());
  const client = new PodResourcesLister(`unix:${socketPath}`, connection, OPTIONS);
  try {
    const send = unaryCall<ListPodResourcesResponse__Output>((options, done) =>
      client.list({}, options, done),
    );
    return readList(await send(CALL_DEADLINE_MS, signal));
  } catch (error) {
    signal.throwIfAborted();
    const why = error instanceof UnreadableList ? error.message : (error as ServiceError).details;
    throw new KubeletSilent(`the kubelet's list at ${socketPath}: ${why}`.slice(0, 1024), { cause: error });
  } finally {
    client.close();
    connection.release(RELEASE_MS);
  }
}
