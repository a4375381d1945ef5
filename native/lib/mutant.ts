import { addon } from './addon.ts';

/**
 * Breaks one conformance rule of the addon ('V1-43'), or none. Only the mutant build can: there it proves that the
 * tests notice.
 * @throws {Error} in every other build.
 */
export function setMutant(item: string | null): void {
  const native = addon();
  if (native.setMutant === undefined) {
    throw new Error('this build of the addon has no mutants; set TRANSSHIP_NATIVE_VARIANT=mutants');
  }
  native.setMutant(item);
}
