import { addon } from './addon.ts';
import { checkRange } from './arguments.ts';
import type { NativeDevice } from './device.ts';
import { invalidArgument, NativeError, translate } from './errors.ts';
import { openDevice } from './open.ts';

export interface BrokerOptions {
  /** For the broker's answer, in milliseconds. @default 5000 */
  readonly timeoutMs?: number;
  /** Maps the data section of a v1 device where it offers that. @default true */
  readonly mmap?: boolean;
}

/** A process that was given a device and still runs. */
export interface BrokerHolder {
  readonly pid: number;
  /** Name of its program now; empty when the broker cannot read it. */
  readonly comm: string;
  readonly role: 'agent' | 'workload';
}

/** A device as its broker describes it. The state of a device is lost when instance, opens or resets change. */
export interface BrokeredDevice {
  readonly name: string;
  readonly address: string;
  readonly interface: 'cdev' | 'group';
  /** UUID of the broker process that opened the device. */
  readonly instance: string;
  /** Times that it has opened the device. */
  readonly opens: number;
  /** Resets since it opened it. */
  readonly resets: number;
  /** Name of the driver in the kernel; empty while the device is not open. */
  readonly driver: string;
  readonly holders: readonly BrokerHolder[];
  /** False when there may be others: the broker took the device over and could not look into every process. */
  readonly holdersKnown: boolean;
  /**
   * What the last reset of this opening reset: the function (VFIO_DEVICE_RESET), or its bus or slot, since the function
   * could not be (VFIO_DEVICE_PCI_HOT_RESET). null before the first.
   */
  readonly rung: 'function' | 'bus' | null;
  /** Why the device is not open; null when it is. */
  readonly error: string | null;
}

/**
 * Gets a duplicate of a device from the broker that keeps it. Closing it leaves the device and its state alone;
 * reset() goes through the broker, which counts it.
 * @throws {NativeError} TRANSSHIP_CONNECT_FAILED, TRANSSHIP_CONNECT_TIMEOUT, TRANSSHIP_NOT_ALLOWED; why the broker has
 * not got it: TRANSSHIP_DEVICE_NOT_FOUND, TRANSSHIP_DEVICE_BUSY, TRANSSHIP_IOMMU_REFUSED; TRANSSHIP_NOT_MIGRATABLE.
 */
export async function openBrokered(
  brokerSocket: string,
  deviceName: string,
  options: BrokerOptions = {},
): Promise<NativeDevice> {
  const { timeoutMs = 5000, mmap = true } = options;
  const operation = 'openBrokered';
  checkBroker(operation, brokerSocket, deviceName, timeoutMs);
  if (deviceName === '') {
    throw invalidArgument(deviceName, operation, 'a device has a name');
  }
  return openDevice(deviceName, operation, {
    door: 'broker',
    path: brokerSocket,
    name: deviceName,
    timeoutMs,
    mmap,
  });
}

/**
 * Describes the devices of a broker, or one of them.
 * @throws {NativeError} TRANSSHIP_CONNECT_FAILED, TRANSSHIP_CONNECT_TIMEOUT, TRANSSHIP_NOT_ALLOWED,
 * TRANSSHIP_DEVICE_NOT_FOUND when the broker has none of this name, TRANSSHIP_PROTOCOL_VIOLATION.
 */
export async function brokerInfo(
  brokerSocket: string,
  deviceName = '',
  options: Pick<BrokerOptions, 'timeoutMs'> = {},
): Promise<BrokeredDevice[]> {
  const { timeoutMs = 5000 } = options;
  const operation = 'brokerInfo';
  checkBroker(operation, brokerSocket, deviceName, timeoutMs);
  let reply: string;
  try {
    reply = await addon().brokerInfo(brokerSocket, deviceName, timeoutMs);
  } catch (error) {
    throw translate(brokerSocket, operation, error);
  }
  return devicesOf(brokerSocket, operation, reply);
}

function checkBroker(operation: string, brokerSocket: string, deviceName: string, timeoutMs: number): void {
  if (brokerSocket === '' || brokerSocket.includes('\0')) {
    throw invalidArgument(brokerSocket, operation, 'a socket path is not empty and has no NUL');
  }
  if (!/^[\w./-]{0,64}$/.test(deviceName)) {
    throw invalidArgument(deviceName, operation, 'a name has at most 64 letters, digits and . _ / -');
  }
  checkRange(brokerSocket, operation, 'timeoutMs', timeoutMs, 1, 2 ** 31 - 1);
}

const isWhole = (devices: readonly (BrokeredDevice | undefined)[]): devices is BrokeredDevice[] =>
  !devices.includes(undefined);

// The addon has checked that each line is a JSON object, and not an error.
function devicesOf(brokerSocket: string, operation: string, reply: string): BrokeredDevice[] {
  const devices = reply
    .split('\n')
    .map((line) => (JSON.parse(line) as { devices?: BrokeredDevice[] }).devices)
    .flat();
  if (!isWhole(devices)) {
    throw new NativeError(brokerSocket, operation, {
      code: 'TRANSSHIP_PROTOCOL_VIOLATION',
      message: 'the broker sent no list of devices',
      errno: null,
      register: null,
      state: null,
    });
  }
  return devices;
}
