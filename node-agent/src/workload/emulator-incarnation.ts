import { stat } from 'node:fs/promises';
import { z } from 'zod';
import type { IncarnationSource } from '../device/incarnation.ts';
import { FreshAnswer } from '../fresh-answer.ts';
import { askEmulator } from './emulator-control.ts';

const DEADLINE_MS = 1_500;

/** What every incarnation of a device of one emulator begins with. */
type Life = string;

const infoReply = z.object({
  /** Of the emulator process. */
  instance: z.string().optional(),
  devices: z.array(z.object({ index: z.int(), resets: z.int() })),
});

/**
 * Incarnations of the devices of one emulator, which keeps them across clients: boot, emulator process and how
 * often the device was reset by anybody. Questions that come together share one answer.
 */
export class EmulatorIncarnations {
  readonly #boot: string;
  readonly #controlPath: string;
  readonly #answer = new FreshAnswer(() => this.#ask());

  constructor(boot: string, controlPath: string) {
    this.#boot = boot;
    this.#controlPath = controlPath;
  }

  /** Of the emulator process, with its workloads. @throws EmulatorControlError */
  async life(): Promise<Life> {
    return (await this.#answer.ask()).life;
  }

  ofDevice(index: number): IncarnationSource {
    return {
      read: async () => {
        const incarnation = (await this.#answer.ask()).devices.get(index);
        if (incarnation === undefined) throw new RangeError(`the emulator has no device ${index}`);
        return incarnation;
      },
    };
  }

  async #ask(): Promise<{ readonly life: Life; readonly devices: ReadonlyMap<number, string> }> {
    const reply = infoReply.parse(await askEmulator(this.#controlPath, 'info', DEADLINE_MS));
    const instance = reply.instance ?? (await socketIdentity(this.#controlPath));
    const life = `${this.#boot}/${instance}`;
    return { life, devices: new Map(reply.devices.map(({ index, resets }) => [index, `${life}/${resets}`])) };
  }
}

/** An emulator makes its control socket anew when it starts, so the file tells two of its lives apart. */
async function socketIdentity(path: string): Promise<string> {
  const { ino, birthtimeMs } = await stat(path);
  return `${ino}-${birthtimeMs}`;
}
