/**
 * Proves that oxlint's rules fire. In .ci/lint-fixtures every line that breaks a rule names it (`// expect: RULE`, or
 * `// expect-next-line: RULE`); the lines without are allowed. Findings and expectations must be the same set, and
 * every rule and every ban that oxlintrc.json states must be among them. Prints the count line last.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const config = '.ci/oxlintrc.json';
const folder = '.ci/lint-fixtures';

/** `file:line rule` of every expectation that is written in the fixtures. */
function readExpectations() {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => {
      const file = join(folder, name);
      return readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((text, index) => {
          const found = /\/\/ expect(?<next>-next-line)?: (?<rule>[\w-]+)/.exec(text)?.groups;
          return found ? [`${file}:${index + (found.next ? 2 : 1)} ${found.rule}`] : [];
        });
    });
}

/** What oxlint finds in the fixtures: code such as `import(no-cycle)`, place, and help, which holds a ban's message. */
function readFindings() {
  const { stdout } = spawnSync('oxlint', ['-c', config, '-f', 'json', folder], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  return JSON.parse(stdout).diagnostics.map(({ code, filename, labels, message, help }) => ({
    rule: /\((?<rule>[\w-]+)\)/.exec(code)?.groups.rule,
    at: `${filename}:${labels[0].span.line}`,
    text: `${message} ${help}`,
  }));
}

/** Names of the rules and messages of the bans that the configuration itself states. */
function readStated() {
  const { rules, overrides } = JSON.parse(readFileSync(config, 'utf8').replaceAll(/^\s*\/\/.*$/gm, ''));
  const inOverrides = overrides.flatMap((override) => Object.entries(override.rules));
  const on = Object.entries(rules).filter(([, severity]) => severity !== 'off');
  const names = [...on, ...inOverrides].map(([name]) => name.split('/').at(-1));
  const bans = inOverrides.flatMap(([, [, ...options]]) =>
    options.flatMap(({ paths = [], patterns = [], ...ban }) => [...paths, ...patterns, ban]),
  );
  return { names: new Set(names), messages: bans.flatMap(({ message }) => message ?? []) };
}

const expected = readExpectations();
const findings = readFindings();
const found = findings.map(({ at, rule }) => `${at} ${rule}`);
const { names, messages } = readStated();

const failures = [
  ...expected.filter((line) => !found.includes(line)).map((line) => `did not fire: ${line}`),
  ...found.filter((line) => !expected.includes(line)).map((line) => `fired unexpectedly: ${line}`),
  ...[...names]
    .filter((name) => !findings.some(({ rule }) => rule === name))
    .map((name) => `no fixture breaks the rule ${name}`),
  ...messages
    .filter((message) => !findings.some(({ text }) => text.includes(message)))
    .map((message) => `no fixture breaks the ban "${message}"`),
];
for (const failure of failures) console.error(failure);

const checks = expected.length + names.size + messages.length;
console.log(`${Math.max(checks - failures.length, 0)} passed, ${failures.length} failed`);
if (failures.length > 0 || expected.length === 0) process.exitCode = 1;
