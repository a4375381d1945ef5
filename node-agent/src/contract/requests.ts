import type { CommandHeader, SourceCommand, TargetCommand } from '../core/command.ts';
import type { CommandRequest } from './command-request.ts';
import { CONTRACT_VERSION } from './contract-version.ts';
import { decisions, roles } from './enums.ts';
import type { ActivateRequest } from './generated/transship/agent/v1alpha1/ActivateRequest.ts';
import type { AttachRequest } from './generated/transship/agent/v1alpha1/AttachRequest.ts';
import type { CommandHeader as WireHeader } from './generated/transship/agent/v1alpha1/CommandHeader.ts';
import type { CommitRequest } from './generated/transship/agent/v1alpha1/CommitRequest.ts';
import type { DiscardRequest } from './generated/transship/agent/v1alpha1/DiscardRequest.ts';
import type { PreCopyRequest } from './generated/transship/agent/v1alpha1/PreCopyRequest.ts';
import type { PrepareRequest } from './generated/transship/agent/v1alpha1/PrepareRequest.ts';
import type { QuiesceRequest } from './generated/transship/agent/v1alpha1/QuiesceRequest.ts';
import type { ReleaseRequest } from './generated/transship/agent/v1alpha1/ReleaseRequest.ts';
import type { RollBackRequest } from './generated/transship/agent/v1alpha1/RollBackRequest.ts';
import type { StopRequest } from './generated/transship/agent/v1alpha1/StopRequest.ts';
import type { VerifyRequest } from './generated/transship/agent/v1alpha1/VerifyRequest.ts';
import { totalsToWire } from './messages.ts';

/** The request message of each command rpc. */
export interface RequestMessages {
  Attach: AttachRequest;
  Prepare: PrepareRequest;
  PreCopy: PreCopyRequest;
  Quiesce: QuiesceRequest;
  Stop: StopRequest;
  Verify: VerifyRequest;
  Activate: ActivateRequest;
  Commit: CommitRequest;
  Release: ReleaseRequest;
  RollBack: RollBackRequest;
  Discard: DiscardRequest;
}

export type CommandMethod = keyof RequestMessages;

/** One rpc and its message. */
export type MethodCall = {
  [M in CommandMethod]: { readonly method: M; readonly message: RequestMessages[M] };
}[CommandMethod];

/** The rpc that carries a command. `waitMs`: how long the agent may hold the reply back for the session to settle. */
export function methodCall(request: CommandRequest, waitMs: number): MethodCall {
  const header = headerToWire(request.header, waitMs);
  const role = roles.toWire(request.role);
  const { command } = request;
  switch (command.kind) {
    case 'attach':
      return { method: 'Attach', message: { header, role } };
    case 'prepare':
      return { method: 'Prepare', message: { header, role, ...prepareFields(command) } };
    case 'preCopy':
      return { method: 'PreCopy', message: { header, generation: command.generation } };
    case 'quiesce': {
      const { timeoutMs, waitOnTimeout } = command;
      return { method: 'Quiesce', message: { header, timeoutMs, waitOnTimeout } };
    }
    case 'stop':
      return { method: 'Stop', message: { header, generation: command.generation } };
    case 'verify': {
      const expected = command.expected.map(totalsToWire);
      return { method: 'Verify', message: { header, generation: command.generation, expected } };
    }
    case 'activate':
      return { method: 'Activate', message: { header, decision: decisions.toWire(command.decision) } };
    case 'commit':
      return { method: 'Commit', message: { header, decision: decisions.toWire(command.decision) } };
    case 'release':
      return { method: 'Release', message: { header, decision: decisions.toWire(command.decision) } };
    case 'rollBack':
      return { method: 'RollBack', message: { header, decision: decisions.toWire(command.decision) } };
    case 'discard':
      return { method: 'Discard', message: { header, decision: decisions.toWire(command.decision) } };
  }
}

function headerToWire(header: CommandHeader, waitMs: number): WireHeader {
  const { uid, fence, sequence, operator, ticket = '' } = header;
  return {
    migrationUid: uid,
    fence,
    sequence,
    operator,
    waitMs,
    contractVersion: CONTRACT_VERSION,
    ticket: Buffer.from(ticket, 'utf8'),
  };
}

type Prepare = Extract<SourceCommand | TargetCommand, { kind: 'prepare' }>;

function prepareFields(command: Prepare): PrepareRequest {
  const { generation, devices } = command;
  if (!('pull' in command)) return { generation, devices: [...devices] };
  const { endpoint, node, ticket, bandwidthLimit } = command.pull;
  return {
    generation,
    devices: [...devices],
    sourceEndpoint: endpoint,
    sourceNode: node,
    ticket: Buffer.from(ticket, 'utf8'),
    bandwidthLimit,
  };
}
