import type { ModuleSet } from './assets.ts';
import { Guest } from './guest.ts';
import type { GuestDescription } from './qemu.ts';

/** Environment variable by which the suite's setup tells its tests of the running guests, as JSON. */
export const GUESTS_VARIABLE = 'TRANSSHIP_KERNEL_GUESTS';

export interface Guests extends AsyncDisposable {
  /** Debian's own modules: devices have groups. */
  readonly group: Guest;
  /** With iommufd: devices have groups and character devices. */
  readonly cdev: Guest;
  readonly all: readonly Guest[];
}

/** Connects to the guests of this run. */
export async function connectGuests(): Promise<Guests> {
  const descriptions = JSON.parse(process.env[GUESTS_VARIABLE] ?? '[]') as GuestDescription[];
  const connect = async (wanted: ModuleSet): Promise<Guest> => {
    const description = descriptions.find(({ set }) => set === wanted);
    if (description === undefined)
      throw new Error(`no guest ${wanted}: run this suite with npm run test:kernel`);
    return Guest.connect(description);
  };
  const [group, cdev] = await Promise.all([connect('group'), connect('cdev')]);
  const all = [group, cdev];
  return {
    group,
    cdev,
    all,
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((guest) => guest[Symbol.asyncDispose]()));
    },
  };
}
