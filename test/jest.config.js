import { join } from 'node:path';

const rootDir = join(import.meta.dirname, '..');

/**
 * One jest project a folder of test/; only *.test.ts in it are tests, the rest is theirs to import.
 * Relative imports are written './x.ts' and the `source` condition shows other packages' sources, so nothing needs
 * a build to be unit-tested; programs that tests start as processes run from dist and do need one.
 */
const suite = (name) => ({
  displayName: name,
  rootDir,
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['source', 'node', 'node-addons'] },
  modulePathIgnorePatterns: ['/dist/', '<rootDir>/native/build/'],
  injectGlobals: false,
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
});

/** Boots guests with a real kernel, so only those who want them choose it: `npm run test:kernel`. */
const kernel = {
  ...suite('kernel'),
  globalSetup: '<rootDir>/test/kernel/rig/setup.ts',
  globalTeardown: '<rootDir>/test/kernel/rig/teardown.ts',
};

/** @type {import('jest').Config} */
export default {
  rootDir,
  projects: ['unit', 'model', 'integration', 'interop', 'cluster', 'drain', 'skew'].map(suite).concat(kernel),
  maxWorkers: 2,
  // To end a test that hangs; no test is to depend on how fast the machine is.
  testTimeout: 180_000,
  reporters: [
    'default',
    '<rootDir>/test/kernel/rig/table-reporter.ts',
    '<rootDir>/test/support/summary-reporter.ts',
  ],
  coverageProvider: 'v8',
  collectCoverageFrom: ['{crds,operator,node-agent}/src/**/*.ts', '!**/generated/**'],
};
