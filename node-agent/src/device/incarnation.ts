import { readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';

/** Tells the incarnation of one device: a text that differs once the device may have lost its state. */
export interface IncarnationSource {
  /** `opens` and `resets`: how often this process has opened and reset the device. Rejects when it cannot tell. */
  read(opens: number, resets: number): Promise<string>;
}

/** Changes with every boot of the machine. */
export const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/**
 * For a device that nobody outside of this process keeps: a device lives as long as it is open, so another process
 * or another open is another incarnation.
 */
export function ownIncarnation(boot: string): IncarnationSource {
  const process = randomUUID();
  return { read: (opens, resets) => Promise.resolve(`${boot}/${process}/${opens}/${resets}`) };
}

/** Whether this was seen before the machine was started last. An incarnation that is not known says nothing. */
export const isOfAnotherBoot = (incarnation: string, boot: string): boolean =>
  incarnation !== '' && !incarnation.startsWith(`${boot}/`);
