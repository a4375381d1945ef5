import { basename } from 'node:path';
import type { Clock } from '../clock.ts';
import { BrokerBook } from './broker.ts';
import { BrokerDoor } from './broker-door.ts';
import type { BrokerClient } from './broker.ts';
import { isVfioUser } from './devices-file.ts';
import type { DeviceEntry, DevicesFile } from './devices-file.ts';
import type { DeviceDoor, OpenDevice } from './door.ts';
import { ownIncarnation } from './incarnation.ts';
import type { IncarnationSource } from './incarnation.ts';
import type { Devices } from './port.ts';
import { VfioDevice } from './vfio-device.ts';
import { vfioUserDoor } from './vfio-user-door.ts';

export interface DevicesParts {
  /** Id of the machine's boot. */
  readonly boot: string;
  readonly clock: Clock;
  /** Tells people: facts, and a constant message. */
  readonly warn: (facts: object, message: string) => void;
  readonly openOnSocket: (socketPath: string) => Promise<OpenDevice>;
  readonly broker: (socketPath: string) => BrokerClient;
  /** Incarnations of emulated devices by their index; null without an emulator. */
  readonly emulated: { ofDevice(index: number): IncarnationSource } | null;
}

export interface NodeDevices extends Devices {
  readonly all: readonly VfioDevice[];
  get(id: string): VfioDevice | null;
}

/** The devices of the devices file, none of them opened yet. */
export function createDevices(file: DevicesFile, parts: DevicesParts): NodeDevices {
  const doorOf = doors(file, parts);
  const all = file.devices.map(
    (entry) => new VfioDevice({ id: entry.id, door: doorOf(entry), clock: parts.clock }),
  );
  const byId = new Map(all.map((device) => [device.id, device]));
  return { all, get: (id) => byId.get(id) ?? null };
}

function doors(file: DevicesFile, parts: DevicesParts): (entry: DeviceEntry) => DeviceDoor {
  const { boot, clock, warn, openOnSocket } = parts;
  const client = file.broker === undefined ? null : parts.broker(file.broker);
  const brokered = client === null ? null : { boot, client, book: new BrokerBook(client), clock, warn };
  return (entry) => {
    if (isVfioUser(entry)) {
      return vfioUserDoor(() => openOnSocket(entry.vfioUser), incarnationOf(entry.vfioUser, parts));
    }
    if (brokered === null) throw new RangeError(`${entry.id} needs a broker`);
    return new BrokerDoor(entry.broker, brokered);
  };
}

/** The emulator names the socket of each of its devices after its index; null: it is no socket of the emulator. */
export function emulatorIndex(vfioUser: string): number | null {
  const index = /^(\d+)\.sock$/.exec(basename(vfioUser))?.[1];
  return index === undefined ? null : Number(index);
}

function incarnationOf(vfioUser: string, { boot, emulated }: DevicesParts): IncarnationSource {
  const index = emulatorIndex(vfioUser);
  return index === null || emulated === null ? ownIncarnation(boot) : emulated.ofDevice(index);
}
