import { z } from 'zod';
import type { WorkloadState } from '../core/session.ts';
import { askEmulator } from './emulator-control.ts';
import type { Freezer } from './freezer.ts';

/** Freezing waits for work in progress; everything else answers at once. */
const FREEZE_DEADLINE_MS = 10_000;
const DEADLINE_MS = 5_000;
const STATE_DEADLINE_MS = 2_000;

const workloadReply = z.object({ phase: z.enum(['Empty', 'Loaded', 'Live', 'Ended']), frozen: z.boolean() });
const saveReply = z.object({ state: z.string().regex(/^([0-9a-f]{2})*$/) });

/** The emulated workload that drives the devices of one group, over the emulator's control socket. */
export class EmulatorFreezer implements Freezer {
  readonly #socketPath: string;
  readonly #group: number;

  constructor(socketPath: string, group: number) {
    this.#socketPath = socketPath;
    this.#group = group;
  }

  async freeze(): Promise<void> {
    await this.#ask('freeze', FREEZE_DEADLINE_MS);
  }

  async thaw(): Promise<void> {
    await this.#ask('thaw');
  }

  async save(): Promise<Buffer> {
    const { state } = saveReply.parse(await this.#ask('save'));
    return Buffer.from(state, 'hex');
  }

  async expect(): Promise<void> {
    await this.#ask('incoming');
  }

  async load(state: Buffer): Promise<void> {
    await this.#ask(`load state=${state.toString('hex')}`);
  }

  async discard(): Promise<void> {
    await this.#ask('discard');
  }

  async state(): Promise<WorkloadState> {
    try {
      const { phase, frozen } = workloadReply.parse(await this.#ask('workload', STATE_DEADLINE_MS));
      if (phase === 'Empty' || phase === 'Ended') return 'discarded';
      return frozen ? 'frozen' : 'running';
    } catch {
      return 'unknown';
    }
  }

  #ask(request: string, deadlineMs = DEADLINE_MS): Promise<Readonly<Record<string, unknown>>> {
    return askEmulator(this.#socketPath, `${request} group=${this.#group}`, deadlineMs);
  }
}
