/** The doors that native opens, as this agent's ports; only here and in crc32c.ts is native called. */
import * as native from '@transship/native';
import type { BrokerClient, BrokerEntry } from './broker.ts';
import type { OpenDevice } from './door.ts';

/** Connecting and the first exchange, ms. */
const OPEN_TIMEOUT_MS = 2_000;

/** What native offers of the broker. */
interface NativeBroker {
  openBrokered(
    brokerSocket: string,
    deviceName: string,
    options: { readonly timeoutMs: number },
  ): Promise<OpenDevice>;
  brokerInfo(brokerSocket: string): Promise<readonly BrokerEntry[]>;
}

export const openOnSocket = (socketPath: string): Promise<OpenDevice> =>
  native.openVfioUser(socketPath, { timeoutMs: OPEN_TIMEOUT_MS });

export function nativeBroker(socketPath: string): BrokerClient {
  const { openBrokered, brokerInfo } = native as unknown as NativeBroker;
  return {
    open: (name) => openBrokered(socketPath, name, { timeoutMs: OPEN_TIMEOUT_MS }),
    list: () => brokerInfo(socketPath),
  };
}
