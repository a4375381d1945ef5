import { fileURLToPath } from 'node:url';
import base from '../jest.config.js';

const [project] = base.projects;
const [[pattern, [, swcOptions]]] = Object.entries(project.transform);

/**
 * One test file of any suite, with its sources broken as TRANSSHIP_TS_MUTANT says. Results go to a file, and nothing
 * is printed.
 * @type {import('jest').Config}
 */
export default {
  ...project,
  displayName: 'mutants',
  testMatch: ['<rootDir>/test/{unit,integration}/**/*.test.ts'],
  transform: { [pattern]: [fileURLToPath(import.meta.resolve('./transform.js')), swcOptions] },
  maxWorkers: 2,
  testTimeout: base.testTimeout,
  reporters: [],
};
