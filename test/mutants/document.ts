import { rows as allRows } from './rows.ts';
import type { Row } from './row.ts';

const HEADER = `# Conformance

What a correct user of a migratable device does and what the device does. V1 and D items are from the specification of the v1 migration region with the NDMA state ("vfio: Update/Clarify migration uAPI, add NDMA state", 2021), V2 items from the comments in the kernel's \`include/uapi/linux/vfio.h\`. Each item has a test that proves it and at least one mutant, a change that breaks just that rule and must turn the test red, so that no item is covered by name alone.

- \`npm test\` runs the tests. Those of the addon and of the emulator meet in \`test/integration/conformance-*.test.ts\`: the real addon against real emulator processes, small and over in milliseconds. After every test of a user the emulator's protocol monitor must be silent; \`conformance-monitor.test.ts\` sees each of its rules fire once, for the mistake that it names.
- \`npm run test:mutants\` runs each test without its mutants (it must be green), then with each of them (it must be red, by an expectation that is not met: a crash or a time limit does not count). \`npm run test:mutants -- V1-43\` runs those of one item.
- \`npm run test:native\` does the same for the client's rules on its own C++ tests, under sanitizers; for the V2 items of **native** these are the tests.

Mutants of **addon**, **native** and **emulator** are the switches \`TRANSSHIP_MUTANT("V1-43")\` in their C++, which exist only in the mutant build. Mutants of the **source** of agents and operator are edits in \`test/mutants/source-rows.ts\` and \`test/mutants/v2-rows.ts\`, made where a test process loads the file and nowhere else. The tables stand in \`test/mutants\`; this page follows them: \`npm run test:mutants -- --document\` writes it.
`;

const unique = (values: readonly string[]): string => [...new Set(values)].join('<br>');

function line({ item, behaviour, mutants }: Row): string {
  const tests = unique(mutants.map(({ test }) => `\`${test.file.replace(/^test\//, '')}\``));
  const broken = unique(mutants.map(({ kind, breaks }) => `${kind}: ${breaks}`));
  return `| ${item} | ${behaviour} | ${tests} | ${broken} |`;
}

function table(title: string, prefix: string, who: string): string {
  const lines = allRows.filter(({ item }) => item.startsWith(prefix)).map(line);
  return [
    `## ${title}`,
    '',
    `| Item | ${who} | Test | Mutants |`,
    '| --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}

/** docs/conformance.md as the rows have it; the widths of columns are prettier's business. */
export function conformancePage(): string {
  const user = table('The user of a v1 device', 'V1-', 'A correct user');
  const user2 = table('The user of a v2 device', 'V2-', 'A correct user');
  const device = table('The device', 'D-', 'A conforming device');
  return `${HEADER}\n${user}\n\n${user2}\n\n${device}\n`;
}
