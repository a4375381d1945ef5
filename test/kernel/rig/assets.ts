import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runTool } from '../../cluster/rig/tool.ts';

/** VFIO modules of a guest: Debian's own, or rebuilt with iommufd and device character devices. */
export type ModuleSet = 'group' | 'cdev';

export interface GuestAssets {
  /** Holds bzImage, initramfs.gz, and a folder of modules for each set. */
  readonly directory: string;
  /** As `uname -r` says it. */
  readonly kernel: string;
}

/** Downloads and builds for the first time; a second run waits for the first. */
const BUILD_DEADLINE_MS = 60 * 60_000;

/**
 * Makes what guests boot from unless the cache has it; see assets/assets.sh for the environment variables it obeys.
 * @throws with the script's sentence when something is missing or a build fails.
 */
export async function guestAssets(): Promise<GuestAssets> {
  const script = join(import.meta.dirname, '../assets/assets.sh');
  const { code, stdout, stderr } = await runTool(script, [], {
    env: process.env,
    timeoutMs: BUILD_DEADLINE_MS,
  });
  if (code !== 0) throw new Error(`assets.sh failed: ${stderr.trim()}`);
  const directory = stdout.trim();
  return { directory, kernel: (await readFile(join(directory, 'version'), 'utf8')).trim() };
}
