/** How a migration between guests has ended, compared with the ends that the rules allow. */
import type { DeviceMigrationStatus } from '@transship/crds';
import { expect } from '@jest/globals';
import type { Allowed, Ending } from '../../faults/allowed.ts';
import type { Sides } from './step-watch.ts';
import { expectIdle, expectTraffic } from './traffic.ts';

const PHASES: Partial<Readonly<Record<Ending, readonly string[]>>> = {
  moved: ['Succeeded'],
  'moved-then-died': ['Succeeded'],
  stayed: ['Failed', 'Aborted', 'Rejected'],
  lost: ['Failed'],
  'target-lost': ['Failed', 'Activating'],
};

/** The one of the allowed ends that the record tells. @throws when it tells none of them. */
export function endingOf(status: DeviceMigrationStatus, allowed: readonly Allowed[]): Ending {
  const { phase, error, conditions } = status;
  const isLost = conditions.some(({ type, status: is }) => type === 'DeviceLost' && is === 'True');
  const fits = ({ ending, codes }: Allowed): boolean =>
    (PHASES[ending] ?? []).includes(phase) &&
    (codes.length === 0 || codes.includes(error?.code ?? '')) &&
    (ending === 'lost' ? isLost : true);
  const found = allowed.find(fits);
  if (found === undefined)
    throw new Error(
      `allowed are ${JSON.stringify(allowed)}, and the record says ${JSON.stringify(status, null, 1)}`,
    );
  return found.ending;
}

const statesOf = ({ source }: Sides): Promise<string[]> =>
  Promise.all(source.uuids.map((_, index) => source.own(index).read('state')));

/** The devices are as the end says: at work on one side at most, with every transaction. */
export async function expectPlaced(ending: Ending, sides: Sides): Promise<void> {
  const { source, target } = sides;
  switch (ending) {
    case 'moved':
      await expectTraffic(target);
      await expectIdle(source);
      break;
    case 'moved-then-died':
      await expectIdle(source);
      break;
    case 'stayed':
      await expectTraffic(source);
      await expectIdle(target);
      break;
    case 'lost':
      // The kernel has reset the devices of the side that died; nothing of the set is left where it could run.
      await expectIdle(target);
      break;
    case 'target-lost':
      for (const state of await statesOf(sides)) expect(['Stop', 'StopCopy']).toContain(state);
      await expectIdle(target);
      break;
    default:
      throw new Error(`no killed broker ends in ${ending}`);
  }
}
