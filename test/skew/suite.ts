import { test } from '@jest/globals';
import { baseline } from './baseline.ts';

const before = await baseline();

/** Root of the build of the version before; empty when there is none. */
export const older = before.found ? before.root : '';

/** A test that needs the version before; it is skipped where there is none. */
export const it: typeof test = before.found ? test : (test.skip as typeof test);

/** Belongs to the name of such tests: why they are skipped where they are. */
export const orSkipped = before.found ? '' : ` (skipped: ${before.why})`;
