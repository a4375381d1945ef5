/**
 * Every static check, one after the other and all of them, so that one run tells everything. Prints the count line last.
 * Run it as `npm run lint`, which puts the project's own programs on the PATH.
 */
import { execFileSync, spawnSync } from 'node:child_process';

const tracked = (...patterns) =>
  execFileSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate', ...patterns],
    {
      encoding: 'utf8',
    },
  )
    .split('\n')
    .filter((file) => file !== '');

/** Here and not in oxlintrc.json, whose own ignorePatterns reach no further than its folder. */
const unlinted = [
  '**/node_modules/**',
  '**/dist/**',
  '**/build/**',
  '**/generated/**',
  '.ci/lint-fixtures/**',
];

const cxx = () => tracked('*.cc', '*.hh', '*.c', '*.h');

const checks = [
  ['types', 'tsc', '-b'],
  [
    'lint',
    'oxlint',
    '-c',
    '.ci/oxlintrc.json',
    '--deny-warnings',
    ...unlinted.map((it) => `--ignore-pattern=${it}`),
  ],
  ['lint rules fire', 'node', '.ci/lint-fixtures.mjs'],
  ['format of TypeScript, JSON, YAML, Markdown', 'prettier', '--check', '--log-level', 'warn', '.'],
  ['generated types of the proto file', 'node', 'node-agent/scripts/generate-proto.mjs', '--check'],
  ['definitions in the chart', 'node', 'crds/scripts/sync-chart.mjs', '--check'],
  ['format of C++', 'clang-format', '--dry-run', '-Werror', ...cxx()],
  ['unused files, exports, dependencies', 'knip', '-c', '.ci/knip.jsonc'],
];

const failed = checks.filter(([name, command, ...args]) => {
  console.log(`\n== ${name}`);
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', timeout: 5 * 60_000 });
  if (error) console.error(error.message);
  return status !== 0;
});

console.log();
for (const [name] of failed) console.log(`failed: ${name}`);
console.log(`${checks.length - failed.length} passed, ${failed.length} failed`);
if (failed.length > 0) process.exitCode = 1;
