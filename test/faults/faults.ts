/** The faults of the matrix, one column each. */
import { CLUSTER_FAULTS } from './cluster/cluster-faults.ts';

export const FAULTS = [
  'source-killed',
  'target-killed',
  'operator-killed',
  'leader-changed',
  'cut',
  'stalled',
  'slow',
  'corrupted',
  'duplicated',
  'arc-refused',
  'arc-error',
  'arc-stalled',
  'stream-corrupted',
  'source-died',
  'target-died',
  'reset-failed',
  'reset-ignored',
  'source-disk-full',
  'target-disk-full',
  'clock-jumped',
  'deleted',
  ...CLUSTER_FAULTS,
] as const;

export type Fault = (typeof FAULTS)[number];

export const FAULT_NAMES: Readonly<Record<Fault, string>> = {
  'source-killed': 'agent of the source killed (SIGKILL), started again on its journal',
  'target-killed': 'agent of the target killed (SIGKILL), started again on its journal',
  'operator-killed': 'operator killed (SIGKILL), started again',
  'leader-changed': 'operator stopped (SIGSTOP) until another takes the folder over, then continued',
  cut: 'every connection between operator and agents, and between the agents, reset',
  stalled: 'every connection silent for longer than the keepalive of the transfer, then going on',
  slow: 'every connection slowed down to some kilobytes a second',
  corrupted: 'a byte of every connection altered on the way',
  duplicated: 'the last command of both agents delivered once more, and one older than it',
  'arc-refused': 'a device refuses the arc of the step, once',
  'arc-error': 'a device enters ERROR on the arc of the step',
  'arc-stalled': 'a device takes long for the arc of the step',
  'stream-corrupted': 'a source device gives one byte of its stream altered, once',
  'source-died': 'the server of the source devices killed, started again: another incarnation',
  'target-died': 'the server of the target devices killed, started again: another incarnation',
  'reset-failed': 'a device refuses RESET where the step resets, or where giving up in the step does',
  'reset-ignored': 'a device answers RESET and does nothing, there',
  'source-disk-full': 'the journal of the source has no space left for a while (ENOSPC of a tmpfs)',
  'target-disk-full': 'the journal of the target has no space left for a while (ENOSPC of a tmpfs)',
  'clock-jumped': 'the wall clock of operator and agents jumps an hour ahead',
  deleted: 'the DeviceMigration is deleted',
  'api-killed': 'kube-apiserver killed (SIGKILL), started again on its etcd',
  'etcd-killed': 'etcd killed (SIGKILL), started again on its data',
  'api-stalled': 'kube-apiserver stopped (SIGSTOP) for longer than anybody waits for it, then continued',
  'lease-deleted': 'the Lease of the leaders deleted while a second operator waits for it',
};

/** Columns whose cells are run elsewhere, and where. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  broker: 'kernel suite (test/kernel): emulated devices have no broker',
};
