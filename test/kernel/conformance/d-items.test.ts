/** The project's module keeps the rules of a device (D items), as the other tests here presume. */
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectGuests } from '../rig/guests.ts';
import type { Guests } from '../rig/guests.ts';
import { createMdev, removeMdev } from '../rig/vfio.ts';

let guests: Guests;

beforeAll(async () => {
  guests = await connectGuests();
});

afterAll(async () => {
  await guests[Symbol.asyncDispose]();
});

test.each(['group', 'cdev'] as const)('the module keeps every D item, with the %s modules', async (set) => {
  const guest = guests[set];
  const uuids = [
    await createMdev(guest, 'own', 'transship_mdev-1'),
    await createMdev(guest, 'own', 'transship_mdev-1'),
  ];
  const program = join(dirname(guest.description.modules), 'transship-mdev-check');
  const { code, stdout, stderr } = await guest.exec([program, ...uuids], { timeoutMs: 300_000 });
  for (const uuid of uuids) await removeMdev(guest, uuid);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const items = new Set([...stdout.matchAll(/D-\d\d/g)].map(([item]) => item));
  expect(items.size).toBeGreaterThan(20);
  expect(await guest.complaints()).toEqual([]);
});
