import { addon, type DeviceHandle, type Door } from './addon.ts';
import { NativeDevice } from './device.ts';
import { NativeError, translate } from './errors.ts';

/**
 * Opens a device through `door`, whose values the caller has checked. `name` stands for the device in errors,
 * `operation` for the function that the user called.
 * @throws {NativeError} what the door and the migration protocol refuse with.
 */
export async function openDevice(name: string, operation: string, door: Door): Promise<NativeDevice> {
  const handle = createHandle(name, operation, door);
  try {
    const info = await handle.open();
    return new NativeDevice(name, handle, info);
  } catch (error) {
    await handle.close();
    throw translate(name, operation, error);
  }
}

function createHandle(name: string, operation: string, door: Door): DeviceHandle {
  const { DeviceHandle: Handle } = addon();
  try {
    return new Handle(door);
  } catch (cause) {
    const message = `the system has no thread left for the device: ${String(cause)}`;
    const error = {
      code: 'TRANSSHIP_OUT_OF_MEMORY',
      message,
      errno: null,
      register: null,
      state: null,
    } as const;
    throw new NativeError(name, operation, error);
  }
}
