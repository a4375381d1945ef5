import type { Guest } from './guest.ts';
import { mdevFolder } from './vfio.ts';

/** Settings of a device of test/kernel/module; those that describe it change only while nobody has it open. */
export type OwnOptions = Readonly<Record<string, number>>;

/** A device of the project's own module by its attributes in /sys, where no user of the device looks. */
export class OwnDevice {
  readonly uuid: string;
  readonly #guest: Guest;

  constructor(guest: Guest, uuid: string) {
    this.#guest = guest;
    this.uuid = uuid;
  }

  #path(attribute: string): string {
    return `${mdevFolder(this.uuid)}/transship/${attribute}`;
  }

  async read(attribute: string): Promise<string> {
    return (await this.#guest.read(this.#path(attribute))).trim();
  }

  write(attribute: string, value: string | number): Promise<void> {
    return this.#guest.write(this.#path(attribute), String(value));
  }

  async set(options: OwnOptions): Promise<void> {
    for (const [name, value] of Object.entries(options)) await this.write(name, value);
  }

  /** Misbehaviour on purpose; test/kernel/module/faults.c lists it. */
  fault(line: string): Promise<void> {
    return this.write('fault', line);
  }

  /** Of memory and registers; the device must be stopped. */
  digest(): Promise<string> {
    return this.read('digest');
  }

  async counters(): Promise<Readonly<Record<string, number>>> {
    const lines = (await this.read('counters')).split('\n');
    return Object.fromEntries(
      lines.map((line) => {
        const [name = '', value] = line.split(' ');
        return [name, Number(value)];
      }),
    );
  }
}
