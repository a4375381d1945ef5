import type { BrokerClient, BrokerEntry, Holder } from '@transship/node-agent/internal/device/broker';
import type { OpenDevice } from '@transship/node-agent/internal/device/door';
import { FakeHardware, FakeOpenDevice, nativeError } from './fake-open-device.ts';

/** A broker with one device `gpu`. What it does to the device is what the kernel would do. */
export class FakeBroker implements BrokerClient {
  hardware = new FakeHardware();
  instance = 'broker-1';
  opens = 1;
  resets = 0;
  error: string | null = null;
  driver = 'mlx5_vfio_pci';
  holders: Holder[] = [];
  holdersKnown = true;
  /** What a reset resets; undefined: the broker is older and does not tell. */
  resetsBy: 'function' | 'bus' | undefined = 'function';
  rung: 'function' | 'bus' | null | undefined = null;
  /** Nobody listens. */
  away = false;
  /** What get() refuses with. */
  refusal: Error | null = null;
  /** Told when somebody asks for a duplicate. */
  onOpen: () => void = () => undefined;
  /** Told when it has reset the device. */
  onReset: () => void = () => undefined;
  /** How often it was asked for one. */
  asked = 0;
  readonly duplicates: FakeOpenDevice[] = [];

  list(): Promise<readonly BrokerEntry[]> {
    if (this.away) return Promise.reject(nativeError('TRANSSHIP_CONNECT_FAILED'));
    const { instance, opens, resets, error, driver, holders, holdersKnown } = this;
    const incarnation = { instance, opens, resets };
    const told = {
      driver,
      holders,
      holdersKnown,
      error,
      ...(this.rung === undefined ? {} : { rung: this.rung }),
    };
    const entry = { name: 'gpu', interface: 'cdev', ...incarnation, ...told };
    return Promise.resolve([entry]);
  }

  open(): Promise<OpenDevice> {
    this.asked += 1;
    this.onOpen();
    if (this.away) return Promise.reject(nativeError('TRANSSHIP_CONNECT_FAILED'));
    if (this.refusal !== null) return Promise.reject(this.refusal);
    const duplicate = new FakeOpenDevice(this.hardware, () => this.#reset());
    this.duplicates.push(duplicate);
    return Promise.resolve(duplicate);
  }

  #reset(): void {
    if (this.away) throw nativeError('TRANSSHIP_CONNECT_FAILED');
    if (this.error !== null) throw nativeError('TRANSSHIP_DEVICE_BUSY');
    this.resets += 1;
    this.rung = this.resetsBy;
    this.onReset();
  }

  /** Is handed a duplicate of what it could not open, and keeps it as the opening that it is of. */
  adopt(instance: string, opens: number, resets: number): void {
    Object.assign(this, { instance, opens, resets, error: null });
  }

  /** Dies and is started again. As long as somebody holds the device, the new one cannot open it. */
  restart(): void {
    const isHeld = this.duplicates.some(({ closed }) => !closed);
    Object.assign(this, { instance: 'broker-2', opens: isHeld ? 0 : 1, resets: 0 });
    this.error = isHeld ? 'the group is busy' : null;
    if (!isHeld) this.hardware = new FakeHardware();
  }

  /** The device is pulled out. */
  unplug(): void {
    this.hardware.gone = nativeError('TRANSSHIP_CONNECTION_LOST');
    this.error = 'the device is gone';
  }

  /** The device, or another one, is back and was opened. */
  plugIn(): void {
    this.hardware = new FakeHardware();
    this.opens += 1;
    this.error = null;
  }
}
