import { addon } from './addon.ts';

/**
 * CRC-32C (Castagnoli) of `data`, continued from `seed`: `crc32c(b, crc32c(a))` is that of a followed by b. Uses the
 * CPU's instruction where there is one. Synchronous: about 0.1 ms per MiB.
 */
export function crc32c(data: Uint8Array, seed = 0): number {
  return addon().crc32c(data, seed);
}
