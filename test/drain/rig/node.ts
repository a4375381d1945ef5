import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ControlPlane } from '../../cluster/rig/control-plane.ts';
import { type RunningEmulator, startEmulator } from '../../support/processes.ts';
import { Kubelet } from '../kubelet/kubelet.ts';

/** Name of the extended resource that pods ask for. */
export const RESOURCE = 'transship.dev/emulated';
/** Devices of a workload; a pod has those of one. */
export const GROUP_SIZE = 2;

export interface NodeOptions {
  readonly plane: ControlPlane;
  /** Sockets and logs go into a folder of it. */
  readonly folder: string;
  readonly name: string;
  /** How many pods with devices it can take. */
  readonly groups: number;
  /** Contents and names of sets; another on each node. */
  readonly seed: number;
}

/** A node: its devices in an emulator, and the stand-in of its kubelet. */
export interface DrainNode {
  readonly name: string;
  readonly folder: string;
  readonly emulator: RunningEmulator;
  readonly kubelet: Kubelet;
  /** Socket where the kubelet tells which pod holds which devices. */
  readonly podResources: string;
}

/** Starts a node, idle: its workloads are those of the pods that come. `stack` ends it. */
export async function startNode(stack: AsyncDisposableStack, options: NodeOptions): Promise<DrainNode> {
  const { plane, name, groups, seed } = options;
  const folder = join(options.folder, name);
  await mkdir(folder, { recursive: true });
  const emulator = stack.use(
    await startEmulator({
      directory: folder,
      node: name,
      devices: groups * GROUP_SIZE,
      memory: '8M',
      args: [
        '--group',
        String(GROUP_SIZE),
        '--traffic',
        'off',
        '--seed',
        String(seed),
        '--link-latency',
        '5ms',
      ],
    }),
  );
  const podResources = join(folder, 'kubelet.sock');
  const kubelet = stack.use(
    await Kubelet.start({
      node: name,
      kubeconfig: plane.kubeconfig,
      podResources,
      control: emulator.control,
      resource: RESOURCE,
      groups,
      groupSize: GROUP_SIZE,
    }),
  );
  return { name, folder, emulator, kubelet, podResources };
}
