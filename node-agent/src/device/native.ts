/** The doors that native opens, as this agent's ports; only here and in crc32c.ts is native called. */
import { brokerInfo, openBrokered, openVfioUser } from '@transship/native';
import type { BrokerClient } from './broker.ts';
import type { OpenDevice } from './door.ts';

/** Connecting and the first exchange, ms. */
const OPEN_TIMEOUT_MS = 2_000;
/** The broker answers from memory. */
const INFO_TIMEOUT_MS = 1_000;

export const openOnSocket = (socketPath: string): Promise<OpenDevice> =>
  openVfioUser(socketPath, { timeoutMs: OPEN_TIMEOUT_MS });

export function nativeBroker(socketPath: string): BrokerClient {
  return {
    open: (name) => openBrokered(socketPath, name, { timeoutMs: OPEN_TIMEOUT_MS }),
    list: () => brokerInfo(socketPath, '', { timeoutMs: INFO_TIMEOUT_MS }),
  };
}
