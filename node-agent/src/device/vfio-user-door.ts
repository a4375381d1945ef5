import type { DeviceDoor, OpenDevice } from './door.ts';
import type { IncarnationSource } from './incarnation.ts';

/** Name of the driver of a device that is reached over vfio-user, where no kernel driver is bound. */
const VFIO_USER = 'vfio-user';

/** A device that a server offers on a Unix socket and keeps open by itself. */
export function vfioUserDoor(open: () => Promise<OpenDevice>, incarnation: IncarnationSource): DeviceDoor {
  return {
    open,
    reset: (device) => device.reset(),
    ask: async ({ opens, resets }) => ({
      incarnation: await incarnation.read(opens, resets),
      driver: VFIO_USER,
      interface: VFIO_USER,
      vmm: null,
      stale: false,
    }),
  };
}
