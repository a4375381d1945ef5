import { fileURLToPath } from 'node:url';

/** What native/scripts/build.sh makes. */
export type NativeArtifact = 'transship.node' | 'transship-emulator' | 'transship-broker';

/** `release` is what is shipped; `mutants` has the switches that break one conformance rule each. */
export type NativeVariant = 'release' | 'mutants' | 'sanitize';

const variants: readonly string[] = ['release', 'mutants', 'sanitize'] satisfies NativeVariant[];

/**
 * Path of a built artifact. The variant is that of the environment variable TRANSSHIP_NATIVE_VARIANT unless one is
 * given, `release` when neither is.
 * @throws {RangeError} for a variant that there is not.
 */
export function nativeArtifact(name: NativeArtifact, variant?: NativeVariant): string {
  const chosen = variant ?? process.env['TRANSSHIP_NATIVE_VARIANT'] ?? 'release';
  if (!variants.includes(chosen)) {
    throw new RangeError(
      `TRANSSHIP_NATIVE_VARIANT is '${chosen}', but native builds are one of ${variants.join(', ')}`,
    );
  }
  // lib/ and dist/ are at the same depth, so this holds for sources and for compiled files.
  return fileURLToPath(new URL(`../build/${chosen}/${name}`, import.meta.url));
}
