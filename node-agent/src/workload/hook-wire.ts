import { fileURLToPath } from 'node:url';
import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import type { ChannelOptions } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { CONNECTS_ONCE } from '../contract/channel.ts';
import { MAX_PIECE_BYTES } from './freezer.ts';
import { openHookSocket } from './hook-socket.ts';
import type { HookAddress } from './hook-socket.ts';
import type { ProtoGrpcType } from './generated/hook.ts';
import type { WorkloadHookClient } from './generated/transship/workload/v1alpha1/WorkloadHook.ts';

/** The proto file stands beside src/ and dist/, which are equally deep. */
const includeDir = fileURLToPath(new URL('../../proto', import.meta.url));

/** The options of scripts/generate-proto.mjs, so that the generated types are true. Addresses are strings. */
const definition = loadSync('transship/workload/v1alpha1/hook.proto', {
  includeDirs: [includeDir],
  longs: String,
  enums: String,
  defaults: true,
  oneofs: true,
});

/** Client constructor and service definition. */
export const { WorkloadHook } = (loadPackageDefinition(definition) as unknown as ProtoGrpcType).transship
  .workload.v1alpha1;

/** Pieces that a workload may have on the way while one is being read: the default would be a sixteenth of one. */
const FLOW_CONTROL_WINDOW = 4 * MAX_PIECE_BYTES;
/** Fields around the data of a piece; more than enough. */
const OVERHEAD_BYTES = 1024;

const OPTIONS: ChannelOptions = {
  'grpc.max_receive_message_length': MAX_PIECE_BYTES + OVERHEAD_BYTES,
  'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW,
  'grpc.enable_http_proxy': 0,
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.use_local_subchannel_pool': 1,
  // The number of the descriptor that it would connect to may be another file's by then.
  ...CONNECTS_ONCE,
};

/**
 * A connection of its own for one call: a socket of this machine costs nothing to connect, and no call can hang in what
 * an earlier one left behind when the workload was stopped or replaced. Whoever calls closes it.
 * @throws WorkloadHookError when the socket is not there, or not the workload's.
 */
export function connectHook(address: HookAddress): WorkloadHookClient {
  const socket = openHookSocket(address);
  const client = new WorkloadHook(`unix:${socket.path}`, credentials.createInsecure(), OPTIONS);
  const close = client.close.bind(client);
  client.close = () => {
    close();
    socket.close();
  };
  return client;
}
