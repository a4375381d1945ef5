import type { Pod } from './pod.ts';

/** What a pod's containers do; all of them the same, since one workload drives all devices of the pod. */
export type ContainerState =
  | { readonly kind: 'running'; readonly ready: boolean }
  | { readonly kind: 'terminated'; readonly exitCode: number };

export interface PodReport {
  readonly state: ContainerState;
  readonly startedAt: Date;
  readonly restarts: number;
}

const SIGNALLED = 128;

/** Body of a patch of the status, as the kubelet reports it; for that very pod and no other of its name. */
export function statusOf(pod: Pod, { state, startedAt, restarts }: PodReport): unknown {
  const ready = state.kind === 'running' && state.ready;
  const now = new Date().toISOString();
  const condition = (type: string, holds: boolean): unknown => ({
    type,
    status: holds ? 'True' : 'False',
    lastTransitionTime: now,
  });
  return {
    metadata: { uid: pod.metadata.uid },
    status: {
      phase: phaseOf(state),
      startTime: startedAt.toISOString(),
      hostIP: '127.0.0.1',
      conditions: [
        condition('Initialized', true),
        condition('PodReadyToStartContainers', state.kind === 'running'),
        condition('ContainersReady', ready),
        condition('Ready', ready),
      ],
      containerStatuses: pod.spec.containers.map(({ name, image = '' }) => ({
        name,
        image,
        imageID: '',
        ready,
        started: state.kind === 'running',
        restartCount: restarts,
        state: containerState(state, startedAt, now),
      })),
    },
  };
}

/** Body of a patch of the status of a pod that the node cannot take. */
export const refusedStatus = (pod: Pod, message: string): unknown => ({
  metadata: { uid: pod.metadata.uid },
  status: { phase: 'Failed', reason: 'UnexpectedAdmissionError', message },
});

function phaseOf(state: ContainerState): string {
  if (state.kind === 'running') return 'Running';
  return state.exitCode === 0 ? 'Succeeded' : 'Failed';
}

function containerState(state: ContainerState, startedAt: Date, now: string): unknown {
  if (state.kind === 'running') return { running: { startedAt: startedAt.toISOString() } };
  const { exitCode } = state;
  const reason = exitCode === 0 ? 'Completed' : 'Error';
  const signal = exitCode > SIGNALLED ? { signal: exitCode - SIGNALLED } : {};
  return { terminated: { exitCode, reason, ...signal, startedAt: startedAt.toISOString(), finishedAt: now } };
}
