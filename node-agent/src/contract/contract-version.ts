/**
 * Version of agent.proto that this build speaks. It grows by one with a release whose messages mean more than those
 * before; messages of a build that does not name one are of version 1.
 */
export const CONTRACT_VERSION = 2;

/** The version of a message that arrived: absent fields are 0 on the wire. */
export const versionOnWire = (version: number): number => (version === 0 ? 1 : version);

/** Operator and agents finish a migration together when they are at most one version apart, in either direction. */
const isSpoken = (version: number): boolean => Math.abs(version - CONTRACT_VERSION) <= 1;

/**
 * Why `theirs` cannot be spoken with, for people: what each side speaks and which one is to be upgraded; null when it can.
 * Both names are as in a sentence: `the operator`, `the agent of node gpu-a`.
 */
export function versionSkew(own: string, their: string, theirs: number): string | null {
  if (isSpoken(theirs)) return null;
  const older = theirs < CONTRACT_VERSION ? their : own;
  return `${their} speaks version ${theirs} of the contract and ${own} version ${CONTRACT_VERSION}; upgrade ${older}`;
}
