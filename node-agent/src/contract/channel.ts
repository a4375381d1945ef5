import type { ChannelOptions } from '@grpc/grpc-js';

/** A day: until then what a client was for is over. */
const NEVER_AGAIN_MS = 24 * 60 * 60_000;

/**
 * For a client that is closed after its only call. grpc-js connects again even for one that was closed while it waited to,
 * and keeps that connection for good, so it is to wait for longer than anybody has use for it.
 */
export const CONNECTS_ONCE: ChannelOptions = {
  'grpc.initial_reconnect_backoff_ms': NEVER_AGAIN_MS,
  'grpc.max_reconnect_backoff_ms': NEVER_AGAIN_MS,
};

/** Commands and snapshots: a set has at most a few hundred streams, well below this. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/**
 * Options of a channel to an agent: a peer that vanished without a word is noticed within 15 s, reconnecting
 * starts at 100 ms and stays below 5 s (grpc-js adds jitter), and no proxy of the environment is used.
 */
export function channelOptions(nodeName: string | null): ChannelOptions {
  const options: ChannelOptions = {
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 5_000,
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.enable_http_proxy': 0,
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
  };
  // The server name of the TLS handshake must not be an IP address, and the node's name is what is checked.
  return nodeName === null ? options : { ...options, 'grpc.ssl_target_name_override': nodeName };
}
