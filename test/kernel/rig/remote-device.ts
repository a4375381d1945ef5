import type { DeviceInfo, NativeDevice } from '@transship/native';
import type { Opening } from '../protocol.ts';
import type { ControlClient } from './control-client.ts';

/** Everything of a device but what needs no call; a refusal is a GuestError with the code of the NativeError. */
export type RemoteDevice = {
  readonly [
    Name in keyof NativeDevice as NativeDevice[Name] extends (...args: never[]) => Promise<unknown>
      ? Name extends string
        ? Name
        : never
      : never
  ]: NativeDevice[Name];
} & { readonly info: DeviceInfo } & AsyncDisposable;

/** Opens a device in a process of the guest, with a function of the native package; it closes with that process. */
export async function openRemote(control: ControlClient, opening: Opening): Promise<RemoteDevice> {
  const { handle, info } = await control.call('openDevice', opening);
  const call = (method: string, args: readonly unknown[]): Promise<unknown> =>
    control.call('callDevice', { handle, method, args });
  let closing: Promise<unknown> | undefined;
  // As with a NativeDevice, it may be closed more than once.
  const close = (): Promise<unknown> => (closing ??= call('close', []));
  const fixed: Record<PropertyKey, unknown> = {
    info,
    close,
    [Symbol.asyncDispose]: close,
  };
  return new Proxy(fixed, {
    get: (target, name) =>
      // One with a method `then` would be taken for a promise.
      name in target || typeof name === 'symbol' || name === 'then'
        ? target[name]
        : (...args: readonly unknown[]) => call(name, args),
  }) as unknown as RemoteDevice;
}
