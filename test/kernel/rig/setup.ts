/**
 * Before the first test of this suite: boots the guests, unless the environment names running ones (hold.ts). They
 * live as long as the run; tests take fresh devices in them. A mounted 9p share cannot be part of a snapshot, and a
 * boot takes longer than most tests.
 */
import { bootGuests } from './boot.ts';
import type { BootedGuests } from './boot.ts';
import { GUESTS_VARIABLE } from './guests.ts';

declare global {
  /** What jest's setup and teardown share. */
  var transshipGuests: BootedGuests | undefined;
}

export default async function setup(): Promise<void> {
  if (process.env[GUESTS_VARIABLE] !== undefined) return;
  const guests = await bootGuests();
  globalThis.transshipGuests = guests;
  process.env[GUESTS_VARIABLE] = JSON.stringify(guests.descriptions);
}
