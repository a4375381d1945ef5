import { EmulatorRefusal } from '@transship/node-agent/internal/workload/emulator-control';
import type { EmulatorControl } from '../../support/emulator-control.ts';
import type { Allocation } from './device-pool.ts';

/** What a container's process is, as far as its node can see. */
export type ProcessState = 'absent' | 'waiting' | 'frozen' | 'at work' | 'ended';

/** The processes of pods with devices: workloads of the node's emulator, one a group. */
export class Workloads {
  readonly #control: EmulatorControl;

  constructor(control: EmulatorControl) {
    this.#control = control;
  }

  /** `waiting`: a loaded state that was never thawed here. */
  async state({ group }: Allocation): Promise<ProcessState> {
    const { phase, frozen } = await this.#control.workload(group);
    switch (phase) {
      case 'Empty':
        return 'absent';
      case 'Loaded':
        return 'waiting';
      case 'Ended':
        return 'ended';
      case 'Live':
        return frozen ? 'frozen' : 'at work';
    }
  }

  /** A workload begins anew on the devices. False: they are not idle yet, somebody before has not left them. */
  async begin({ group }: Allocation): Promise<boolean> {
    try {
      await this.#control.ask('begin', { group });
      return true;
    } catch (error) {
      if (error instanceof EmulatorRefusal) return false;
      throw error;
    }
  }

  /**
   * Ends the process, whatever it does. Devices that still run for it are reset, as their last close does; any other
   * state is that of somebody who holds them open, such as an agent in a migration, and is theirs to end.
   */
  async kill(allocation: Allocation): Promise<void> {
    const { group } = allocation;
    if ((await this.#control.workload(group)).phase === 'Empty') return;
    if ((await this.#control.workload(group)).phase !== 'Ended') {
      await this.#control.ask('freeze', { group });
      await this.#control.ask('discard', { group });
    }
    const indexes = new Set(allocation.containers.flatMap(({ deviceIds }) => deviceIds.map(Number)));
    const devices = (await this.#control.devices()).filter(({ index }) => indexes.has(index));
    if (devices.some(({ state }) => state !== 'Running')) return;
    for (const { index, armed } of devices) if (armed) await this.#control.deviceReset(index);
  }
}
