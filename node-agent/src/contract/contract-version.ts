/**
 * Version of agent.proto that this build speaks. It grows by one with a release whose messages mean more than those
 * before; messages of a build that does not name one are of version 1.
 */
export const CONTRACT_VERSION = 2;

/** The version of a message that arrived: absent fields are 0 on the wire. */
export const versionOnWire = (version: number): number => (version === 0 ? 1 : version);

/** Operator and agents finish a migration together when they are at most one version apart, in either direction. */
export const isSpoken = (version: number): boolean => Math.abs(version - CONTRACT_VERSION) <= 1;
