/** Every door to every device, case by case. The table at the end of the run is made of these results. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connectGuests } from '../rig/guests.ts';
import type { Guests } from '../rig/guests.ts';
import { SHOW } from './cases.ts';
import { CASES, DEVICES, DOORS, reasonNotShown } from './rows.ts';
import { Stand } from './stand.ts';

let guests: Guests;

beforeAll(async () => {
  guests = await connectGuests();
});

afterAll(async () => {
  await guests[Symbol.asyncDispose]();
});

describe.each(DOORS)('door %s', (door) => {
  describe.each(DEVICES)('$name', (row) => {
    test.each(CASES.filter((name) => reasonNotShown(row.name, name) === null))('%s', async (name) => {
      const guest = door === 'group' ? guests.group : guests.cdev;
      {
        await using stand = await Stand.make(guest, door, row);
        await SHOW[name](stand);
      }
      expect(await guest.complaints()).toEqual([]);
    });
  });
});
