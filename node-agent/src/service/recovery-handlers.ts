import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { deviceToWire } from '../contract/description.ts';
import type { DeviceAgentHandlers } from '../contract/generated/transship/agent/v1alpha1/DeviceAgent.ts';
import type { EndQuarantineResponse } from '../contract/generated/transship/agent/v1alpha1/EndQuarantineResponse.ts';
import type { ListSessionsResponse } from '../contract/generated/transship/agent/v1alpha1/ListSessionsResponse.ts';
import { failureToWire, snapshotToWire } from '../contract/messages.ts';
import type { AgentServiceParts } from './agent-service.ts';
import { requireOperator } from './authorize.ts';
import { parseEndQuarantine, parseListSessions } from './requests.ts';
import { statusOf } from './status.ts';

/** Sessions in one answer: the largest have some 5 kB each, far below what a message may have. */
const PAGE = 100;

/** The part of DeviceAgent that serves a recovery by hand. */
export function recoveryHandlers({
  registry,
  describe,
}: AgentServiceParts): Pick<DeviceAgentHandlers, 'ListSessions' | 'EndQuarantine'> {
  const list = (message: unknown): ListSessionsResponse => {
    const { onlyBound, after } = parseListSessions(message);
    const sessions = registry.list(onlyBound).filter(({ uid }) => uid > after);
    const page = sessions.slice(0, PAGE);
    const next = sessions.length > PAGE ? (page.at(-1)?.uid ?? '') : '';
    return { sessions: page.map(snapshotToWire), next };
  };
  const end = async (message: unknown): Promise<EndQuarantineResponse> => {
    const { deviceId, uid } = parseEndQuarantine(message);
    const refusal = await registry.endQuarantine(deviceId, uid);
    const { devices } = await describe([deviceId]);
    const [device] = devices;
    return {
      refusal: refusal === null ? null : failureToWire(refusal),
      device: device === undefined ? null : deviceToWire(device),
    };
  };
  return {
    ListSessions: (call, done) => void answer(call, done, list),
    EndQuarantine: (call, done) => void answer(call, done, end),
  };
}

async function answer<Request, Reply>(
  call: ServerUnaryCall<Request, Reply>,
  done: sendUnaryData<Reply>,
  act: (message: Request) => Reply | Promise<Reply>,
): Promise<void> {
  try {
    requireOperator(call);
    done(null, await act(call.request));
  } catch (error) {
    done(statusOf(error));
  }
}
