import { invalidArgument } from './errors.ts';

/**
 * Refuses what is not an integer from `least` to `most`.
 * @throws {NativeError} TRANSSHIP_INVALID_ARGUMENT.
 */
export function checkRange(
  device: string,
  operation: string,
  name: string,
  value: number,
  least: number,
  most: number,
): void {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw invalidArgument(device, operation, `${name} is an integer from ${least} to ${most}, not ${value}`);
  }
}

/**
 * Refuses what does not fit 64 bits without a sign.
 * @throws {NativeError} TRANSSHIP_INVALID_ARGUMENT.
 */
export function checkUint64(device: string, operation: string, name: string, value: bigint): void {
  if (BigInt.asUintN(64, value) !== value) {
    throw invalidArgument(device, operation, `${name} is an integer from 0 to 2^64 - 1, not ${value}`);
  }
}
