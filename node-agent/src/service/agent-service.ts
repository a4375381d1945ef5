import type { ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import { versionSkew } from '../contract/contract-version.ts';
import { descriptionToWire } from '../contract/description.ts';
import type { NodeDescription } from '../contract/description.ts';
import { failure } from '../contract/failure.ts';
import type { CommandReply } from '../contract/generated/transship/agent/v1alpha1/CommandReply.ts';
import type { DescribeDevicesRequest__Output } from '../contract/generated/transship/agent/v1alpha1/DescribeDevicesRequest.ts';
import type { DescribeDevicesResponse } from '../contract/generated/transship/agent/v1alpha1/DescribeDevicesResponse.ts';
import type { DeviceAgentHandlers } from '../contract/generated/transship/agent/v1alpha1/DeviceAgent.ts';
import type { ObserveRequest__Output } from '../contract/generated/transship/agent/v1alpha1/ObserveRequest.ts';
import type { SessionSnapshot } from '../contract/generated/transship/agent/v1alpha1/SessionSnapshot.ts';
import { failureToWire, snapshotToWire } from '../contract/messages.ts';
import type { CommandMethod } from '../contract/requests.ts';
import type { SessionRegistry } from '../session/registry.ts';
import { requireOperator } from './authorize.ts';
import { recoveryHandlers } from './recovery-handlers.ts';
import { commandParsers, parseDescribe, parseObserve, parseSender } from './requests.ts';
import { statusOf } from './status.ts';

export interface AgentServiceParts {
  readonly registry: SessionRegistry;
  readonly describe: (ids: readonly string[]) => Promise<NodeDescription>;
}

/** DeviceAgent: what operators call. */
export function agentService(parts: AgentServiceParts): DeviceAgentHandlers {
  const { registry, describe } = parts;
  return {
    Attach: command(registry, 'Attach'),
    Prepare: command(registry, 'Prepare'),
    PreCopy: command(registry, 'PreCopy'),
    Quiesce: command(registry, 'Quiesce'),
    Stop: command(registry, 'Stop'),
    Verify: command(registry, 'Verify'),
    Activate: command(registry, 'Activate'),
    Commit: command(registry, 'Commit'),
    Release: command(registry, 'Release'),
    RollBack: command(registry, 'RollBack'),
    Discard: command(registry, 'Discard'),
    DescribeDevices: (call, done) => void describeDevices(describe, call, done),
    Observe: (call) => void observe(registry, call),
    ...recoveryHandlers(parts),
  };
}

type CommandHandler = (
  call: ServerUnaryCall<unknown, CommandReply>,
  done: sendUnaryData<CommandReply>,
) => void;

function command(registry: SessionRegistry, method: CommandMethod): CommandHandler {
  return (call, done) => void answer(registry, method, call, done);
}

async function answer(
  registry: SessionRegistry,
  method: CommandMethod,
  call: ServerUnaryCall<unknown, CommandReply>,
  done: sendUnaryData<CommandReply>,
): Promise<void> {
  const cancelled = new AbortController();
  call.on('cancelled', () => cancelled.abort());
  try {
    requireOperator(call);
    const skew = refuseVersion(registry, call.request);
    if (skew !== null) {
      done(null, skew);
      return;
    }
    const { request, waitMs } = commandParsers[method](call.request);
    const { session, refusal } = await registry.command(request, waitMs, cancelled.signal);
    done(null, {
      session: snapshotToWire(session),
      refusal: refusal === null ? null : failureToWire(refusal),
    });
  } catch (error) {
    done(statusOf(error));
  }
}

/** The reply to a command of a version that this agent does not speak: it is not read any further. */
function refuseVersion(registry: SessionRegistry, message: unknown): CommandReply | null {
  const { uid, contractVersion } = parseSender(message);
  const why = versionSkew('the agent', 'the operator', contractVersion);
  if (why === null) return null;
  return {
    session: snapshotToWire(registry.snapshot(uid)),
    refusal: failureToWire(failure('VersionSkew', why)),
  };
}

async function describeDevices(
  describe: AgentServiceParts['describe'],
  call: ServerUnaryCall<DescribeDevicesRequest__Output, DescribeDevicesResponse>,
  done: sendUnaryData<DescribeDevicesResponse>,
): Promise<void> {
  try {
    requireOperator(call);
    done(null, descriptionToWire(await describe(parseDescribe(call.request))));
  } catch (error) {
    done(statusOf(error));
  }
}

async function observe(
  registry: SessionRegistry,
  call: ServerWritableStream<ObserveRequest__Output, SessionSnapshot>,
): Promise<void> {
  const gone = new AbortController();
  for (const event of ['cancelled', 'error', 'close'] as const) call.on(event, () => gone.abort());
  try {
    requireOperator(call);
    const { uid, role } = parseObserve(call.request);
    for await (const snapshot of registry.watch(uid, role, gone.signal)) {
      // A slow observer is given the newest when it can take it, nothing is queued for it.
      if (!call.write(snapshotToWire(snapshot))) await drained(call, gone.signal);
    }
    call.end();
  } catch (error) {
    call.destroy(Object.assign(new Error(statusOf(error).details), statusOf(error)));
  }
}

function drained(call: ServerWritableStream<unknown, unknown>, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      call.off('drain', go);
      gone.removeEventListener('abort', go);
      resolve();
    };
    call.on('drain', go);
    gone.addEventListener('abort', go, { once: true });
  });
}
