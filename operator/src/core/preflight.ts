import { isErrorCode, type ErrorCode } from '@transship/crds';
import type { DeviceDescription, Failure } from '@transship/node-agent/contract';
import { failure } from './failure.ts';

type Check<Input> = (input: Input) => Failure | null;

interface OneDevice {
  readonly device: DeviceDescription;
  readonly uid: string;
  readonly alone: boolean;
}

interface Pair {
  readonly source: DeviceDescription;
  readonly target: DeviceDescription;
}

/** Runs checks in order; the first violation is the answer (the order is what people see first). */
const first = <Input>(checks: readonly Check<Input>[], input: Input): Failure | null => {
  for (const check of checks) {
    const violation = check(input);
    if (violation !== null) return violation;
  }
  return null;
};

const refuse = (code: ErrorCode, id: string, why: string): Failure => failure(code, `${id} ${why}`, id);

/** What the agent says is wrong with a device, in a word; a word of a newer agent says less than none. */
const codeOf = ({ code }: DeviceDescription, otherwise: ErrorCode): ErrorCode =>
  isErrorCode(code) ? code : otherwise;

const WITHOUT_A_WORD = {
  Healthy: 'DeviceNotMigratable',
  Quarantined: 'DeviceNotMigratable',
  Unreachable: 'DeviceUnreachable',
} as const satisfies Record<DeviceDescription['health'], ErrorCode>;

/** What each device of either side must be before anything is touched. */
const DEVICE_CHECKS: readonly Check<OneDevice>[] = [
  ({ device }) => {
    const { id, health, reason, notMigratable } = device;
    if (health === 'Healthy') return null;
    // `code` goes with `notMigratable` where that is set.
    const code = notMigratable === '' ? codeOf(device, WITHOUT_A_WORD[health]) : WITHOUT_A_WORD[health];
    return refuse(code, id, `is ${health}: ${reason}`);
  },
  ({ device }) =>
    device.notMigratable === '' || device.code === ''
      ? null
      : refuse(codeOf(device, 'DeviceNotMigratable'), device.id, device.notMigratable),
  // V1-12; ahead of the general word for it, which says less
  ({ device: { id, resetSupported } }) =>
    resetSupported ? null : refuse('ResetUnsupported', id, 'does not offer VFIO_DEVICE_RESET'),
  ({ device: { id, notMigratable } }) =>
    notMigratable === '' ? null : refuse('DeviceNotMigratable', id, notMigratable),
  ({ device: { id, migrationUid }, uid }) =>
    migrationUid === '' || migrationUid === uid
      ? null
      : refuse('DeviceBusy', id, `belongs to the migration with UID ${migrationUid}`),
  // V1-25, V2-22
  ({ device: { id, p2p }, alone }) =>
    p2p || alone
      ? null
      : refuse(
          'NoPeerToPeerQuiesce',
          id,
          'cannot stop its DMA alone (no NDMA), so it cannot be one of a set',
        ),
  // V1-14; a device that this migration holds already may be anywhere
  ({ device: { id, state, migrationUid } }) =>
    state === 'Running' || migrationUid !== ''
      ? null
      : refuse('DeviceNotRunning', id, `is in state ${state}, not Running`),
];

const MODEL = ['vendorId', 'deviceId', 'subsystemVendorId', 'subsystemId', 'revisionId'] as const;
const hex = (value: number): string => `0x${value.toString(16)}`;

/** What a target device must share with its source: the stream fits nothing else (V1-21). */
const PAIR_CHECKS: readonly Check<Pair>[] = [
  ({ source, target }) =>
    source.protocol === target.protocol
      ? null
      : refuse(
          'ProtocolMismatch',
          target.id,
          `speaks ${target.protocol}, ${source.id} speaks ${source.protocol}`,
        ),
  ({ source, target }) => {
    const field = MODEL.find((name) => source[name] !== target[name]);
    if (field === undefined) return null;
    const values = `${hex(target[field])}, ${source.id} has ${hex(source[field])}`;
    return refuse('ModelMismatch', target.id, `is another model: ${field} is ${values}`);
  },
  ({ source, target }) =>
    source.driver === target.driver && source.firmware === target.firmware
      ? null
      : refuse(
          'ModelMismatch',
          target.id,
          `has driver ${target.driver} ${target.firmware}, ${source.id} has ${source.driver} ${source.firmware}`,
        ),
  // A driver of other abilities may write another stream, and a set is moved by what its devices have in common.
  ({ source, target }) =>
    source.migrationFlags === target.migrationFlags
      ? null
      : refuse(
          'ModelMismatch',
          target.id,
          `has migration flags ${hex(target.migrationFlags)}, ${source.id} has ${hex(source.migrationFlags)}`,
        ),
  // V1-52: a segment of the source must fit the target's window, for it is never split
  ({ source, target }) =>
    source.regionSize === target.regionSize && source.dataWindowSize <= target.dataWindowSize
      ? null
      : refuse(
          'RegionSizeMismatch',
          target.id,
          `has a migration region of ${target.regionSize} bytes, ${source.id} one of ${source.regionSize}`,
        ),
];

/** Are these devices of one side fit for the migration `uid`? Every id must have been described. */
export function checkSide(
  ids: readonly string[],
  described: readonly DeviceDescription[],
  uid: string,
): Failure | null {
  for (const id of ids) {
    const device = described.find((candidate) => candidate.id === id);
    if (device === undefined) return refuse('DeviceNotFound', id, 'is not known to the agent of its node');
    const violation = first(DEVICE_CHECKS, { device, uid, alone: ids.length === 1 });
    if (violation !== null) return violation;
  }
  return null;
}

/**
 * Are these all devices of their workload? One that stayed behind would go on with half of its peers. `described`: every
 * device of the node.
 */
export function checkWhole(ids: readonly string[], described: readonly DeviceDescription[]): Failure | null {
  const workloads = new Set(
    described.flatMap(({ id, workload }) => (workload !== '' && ids.includes(id) ? [workload] : [])),
  );
  const missing = described.filter(({ id, workload }) => workloads.has(workload) && !ids.includes(id));
  const [first] = missing;
  if (first === undefined) return null;
  const names = missing.map(({ id }) => id).join(', ');
  return failure(
    'SetIncomplete',
    `the workload ${first.workload} of this set also drives ${names}`,
    first.id,
  );
}

/** One workload comes in, so the devices that wait for it are those of one. */
function apart(target: readonly DeviceDescription[]): Failure | null {
  const workloads = [...new Set(target.map(({ workload }) => workload))];
  if (workloads.length < 2) return null;
  const names = workloads.map((name) => (name === '' ? 'none' : name)).join(', ');
  return failure('PairingImpossible', `the target devices belong to several workloads: ${names}`);
}

/** Does each target device fit the source device of the same place in the set? */
export function checkPairs(
  source: readonly DeviceDescription[],
  target: readonly DeviceDescription[],
): Failure | null {
  if (source.length !== target.length) {
    return failure('PairingImpossible', `${source.length} source devices, ${target.length} target devices`);
  }
  for (const [index, device] of source.entries()) {
    const pair = target[index];
    if (pair === undefined) continue;
    const violation = first(PAIR_CHECKS, { source: device, target: pair });
    if (violation !== null) return violation;
  }
  return apart(target);
}
