import { access, writeFile } from 'node:fs/promises';

/** Debian's libfaketime; it answers calls of libc for the time, so that Node's Date jumps as with the machine's clock. */
const LIBRARY = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';

/** Whether Debian's libfaketime is installed. */
export const canJump = (): Promise<boolean> =>
  access(LIBRARY).then(
    () => true,
    () => false,
  );

/** The wall clock of processes that are started with `env`. Monotonic time and the times of files stay as they are. */
export class WallClock {
  readonly #file: string;
  #ahead = 0;

  private constructor(file: string) {
    this.#file = file;
  }

  static async in(file: string): Promise<WallClock> {
    await writeFile(file, '+0\n');
    return new WallClock(file);
  }

  get env(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: LIBRARY,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    };
  }

  /** How far it is ahead, seconds. */
  get ahead(): number {
    return this.#ahead;
  }

  /** Sets it further ahead by so many seconds. */
  async jump(seconds: number): Promise<void> {
    this.#ahead += seconds;
    await writeFile(this.#file, `+${this.#ahead}\n`);
  }
}
