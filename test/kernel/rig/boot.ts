import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guestAssets } from './assets.ts';
import type { ModuleSet } from './assets.ts';
import { Guest } from './guest.ts';
import { startQemu } from './qemu.ts';
import type { GuestDescription } from './qemu.ts';
import { loadModule, loadVfio, PARENTS } from './vfio.ts';

/** One guest a set of modules. */
const SETS: readonly ModuleSet[] = ['group', 'cdev'];

export interface BootedGuests extends AsyncDisposable {
  readonly descriptions: readonly GuestDescription[];
  /** Consoles are there; they outlive the guests. */
  readonly workDir: string;
}

/**
 * Boots the guests of the suite and loads their modules.
 * @throws when one does not come up or its kernel complains; none is left running then.
 */
export async function bootGuests(): Promise<BootedGuests> {
  const assets = await guestAssets();
  const workDir = await mkdtemp(join(tmpdir(), 'transship-kernel-'));
  process.stderr.write(`booting ${SETS.length} guests with Linux ${assets.kernel}; consoles in ${workDir}\n`);
  const started = await Promise.allSettled(SETS.map((set) => startQemu({ name: set, set, assets, workDir })));
  const running = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const end = async (): Promise<void> => {
    await Promise.all(running.map((guest) => guest[Symbol.asyncDispose]()));
  };
  try {
    const failed = started.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    const descriptions = running.map(({ description }) => description);
    await Promise.all(descriptions.map(prepare));
    return { descriptions, workDir, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function prepare(description: GuestDescription): Promise<void> {
  await using guest = await Guest.connect(description);
  await loadVfio(guest);
  for (const { module } of Object.values(PARENTS)) await loadModule(guest, module);
  const complaints = await guest.complaints();
  if (complaints.length > 0) throw new Error(`${guest.name} complained at once:\n${complaints.join('\n')}`);
}
