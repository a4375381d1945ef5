import * as native from '@transship/native';
import type { NativeDevice } from '@transship/native';
import type { Handlers } from './control-server.ts';

type AnyFunction = (...args: readonly unknown[]) => unknown;

/** @throws TypeError when the package exports no function of that name. */
function nativeFunction(name: string): AnyFunction {
  const found = (native as unknown as Record<string, unknown>)[name];
  if (typeof found !== 'function') throw new TypeError(`@transship/native has no function ${name}`);
  return found as AnyFunction;
}

/** Devices that are open in this process; they close with it. */
export function deviceMethods(): Pick<Handlers, 'openDevice' | 'callDevice' | 'callNative'> {
  const devices = new Map<number, NativeDevice>();
  let last = 0;
  return {
    async openDevice({ by, args }) {
      const device = (await nativeFunction(by)(...args)) as NativeDevice;
      last += 1;
      devices.set(last, device);
      return { handle: last, info: { ...device.info } };
    },

    async callDevice({ handle, method, args }) {
      const device = devices.get(handle);
      if (device === undefined) throw new RangeError(`there is no device ${handle}`);
      if (method === 'close') devices.delete(handle);
      const found = (device as unknown as Record<string, unknown>)[method];
      if (typeof found !== 'function') throw new TypeError(`a device has no method ${method}`);
      return (await (found as AnyFunction).apply(device, args as unknown[])) ?? null;
    },

    callNative({ name, args }) {
      return nativeFunction(name)(...args);
    },
  };
}
