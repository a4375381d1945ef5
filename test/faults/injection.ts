/** What a fault is to the runner of a cell. */
import type { FaultRig } from './rig/fault-rig.ts';
import type { Watch } from './rig/watch.ts';
import type { Step } from './steps.ts';

export interface Scene {
  readonly rig: FaultRig;
  readonly watch: Watch;
  /** The step in which it is to strike. */
  readonly step: Step;
}

/** That the fault struck, and where. */
export interface Proof {
  /** The step the migration was seen in when the fault struck; null: in none. */
  readonly step: Step | null;
  /** What shows that it struck: an exit, a counter, a line of a log. null: nothing does. */
  readonly evidence: string | null;
}

export interface Injection {
  /**
   * `held`: the set is held in the step, the fault strikes, the hold ends. `released`: made in the held step, it strikes
   * as the hold ends. `armed`: set before the migration begins, it strikes when the step comes to it.
   */
  readonly when: (step: Step) => 'held' | 'released' | 'armed';
  /** Whatever has to be there already when it strikes, before the manifest is there. */
  ready?(rig: FaultRig): Promise<void>;
  /** Sets an armed fault, before the manifest is there. */
  arm?(rig: FaultRig, step: Step): Promise<void>;
  /** Sets what can be armed only later, on the way to the step. */
  armLater?(scene: Scene): Promise<void>;
  /** Makes the fault happen; with `armed` and `released`, what is still to be done for it. */
  strike(scene: Scene): Promise<void>;
  /** Waits until it has happened, and proves it. */
  prove(scene: Scene): Promise<Proof>;
  /** Ends the fault, so that the migration can end. */
  lift(scene: Scene): Promise<void>;
}
