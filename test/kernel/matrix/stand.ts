import { randomBytes } from 'node:crypto';
import { startBroker } from '../rig/broker.ts';
import type { RunningBroker } from '../rig/broker.ts';
import type { ControlClient } from '../rig/control-client.ts';
import type { Guest } from '../rig/guest.ts';
import { OwnDevice } from '../rig/own-device.ts';
import type { OwnOptions } from '../rig/own-device.ts';
import { openRemote } from '../rig/remote-device.ts';
import type { RemoteDevice } from '../rig/remote-device.ts';
import { createMdev, removeMdev } from '../rig/vfio.ts';
import type { DeviceRow, DoorName } from './rows.ts';

/** Registers of mtty's BAR 0 that travel and that nothing else changes: line control and scratch. */
const MTTY_REGISTERS = [3, 7] as const;
/** Any byte but the bit that switches mtty's registers over. */
const MTTY_MASK = 0x7f;
const OPEN_MS = 60_000;

/** One device of a cell. */
export class StandDevice {
  readonly uuid: string;
  readonly name: string;
  /** Null for mtty. */
  readonly own: OwnDevice | null;

  constructor(guest: Guest, row: DeviceRow, uuid: string, name: string) {
    this.uuid = uuid;
    this.name = name;
    this.own = row.parent === 'own' ? new OwnDevice(guest, uuid) : null;
  }

  /** Gives the device a state of its own; the project's module has one from each reset on. */
  async mark(device: RemoteDevice): Promise<void> {
    if (this.own !== null) return;
    for (const register of MTTY_REGISTERS) {
      await device.regionWrite(0, register, Buffer.from([(randomBytes(1)[0] ?? 0) & MTTY_MASK]));
    }
  }

  /** Everything of a stopped device that has to be equal on both sides. */
  async fingerprint(device: RemoteDevice): Promise<string> {
    if (this.own !== null) return this.own.digest();
    const values = await Promise.all(MTTY_REGISTERS.map((register) => device.regionRead(0, register, 1)));
    return Buffer.concat(values).toString('hex');
  }
}

/** Fresh devices of one row, behind one door, for one cell. */
export class Stand implements AsyncDisposable {
  readonly guest: Guest;
  readonly door: DoorName;
  readonly row: DeviceRow;
  readonly devices: readonly StandDevice[];
  readonly broker: RunningBroker | null;
  readonly #opened: RemoteDevice[] = [];

  private constructor(
    guest: Guest,
    door: DoorName,
    row: DeviceRow,
    devices: readonly StandDevice[],
    broker: RunningBroker | null,
  ) {
    this.guest = guest;
    this.door = door;
    this.row = row;
    this.devices = devices;
    this.broker = broker;
  }

  static async make(
    guest: Guest,
    door: DoorName,
    row: DeviceRow,
    { count = 2, options = {} }: { readonly count?: number; readonly options?: OwnOptions } = {},
  ): Promise<Stand> {
    const devices: StandDevice[] = [];
    for (let index = 0; index < count; index++) {
      const uuid = await createMdev(guest, row.parent, row.type);
      const device = new StandDevice(guest, row, uuid, `stand/${index}`);
      await device.own?.set({ ...row.options, ...options });
      devices.push(device);
    }
    const addresses = Object.fromEntries(devices.map(({ name, uuid }) => [name, uuid]));
    const broker = door === 'broker' ? await startBroker(guest, { devices: addresses }) : null;
    return new Stand(guest, door, row, devices, broker);
  }

  get source(): StandDevice {
    return this.#device(0);
  }

  get target(): StandDevice {
    return this.#device(1);
  }

  /** Opens a device through the door, in the process that answers `control`; reset, as a driver has to. */
  async open(device: StandDevice, control: ControlClient = this.guest.control): Promise<RemoteDevice> {
    const opened = await this.reopen(device, control);
    await opened.reset();
    await device.mark(opened);
    return opened;
  }

  /** The same without touching the device's state. */
  async reopen(device: StandDevice, control: ControlClient = this.guest.control): Promise<RemoteDevice> {
    const opened = await openRemote(
      control,
      this.broker === null
        ? { by: 'openKernel', args: [device.uuid, { interface: this.door, timeoutMs: OPEN_MS }] }
        : { by: 'openBrokered', args: [this.broker.socket, device.name, { timeoutMs: OPEN_MS }] },
    );
    if (control === this.guest.control) this.#opened.push(opened);
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const device of this.#opened) {
      // A device of mtty that is let go of in the middle of a session would upset the kernel when it is used again.
      await device.reset().catch(() => undefined);
      await device.close();
    }
    await this.broker?.[Symbol.asyncDispose]();
    for (const { uuid } of this.devices) await removeMdev(this.guest, uuid);
  }

  #device(index: number): StandDevice {
    const device = this.devices[index];
    if (device === undefined) throw new RangeError(`this stand has ${this.devices.length} devices`);
    return device;
  }
}
