import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errors } from '@transship/crds';

export const ERRORS_PAGE = join(import.meta.dirname, '../../../docs/errors.md');

/** The part of docs/errors.md about codes, as the table of errors gives it. */
export function codesChapter(): string {
  const codes = Object.entries(errors).map(([name, { message, response, remedy, terminal }]) =>
    [
      `### ${name}\n`,
      `- Final: ${terminal ? 'yes' : 'no'}`,
      `- What happened: ${message}`,
      `- What Transship did: ${response}`,
      `- What to do: ${remedy}\n`,
    ].join('\n'),
  );
  return `## Codes\n\n${codes.join('\n')}\n`;
}

/** The same part as a page has it. */
export const codesOnPage = (page: string): string =>
  page.slice(page.indexOf('## Codes\n'), page.indexOf('## Conditions\n'));

/** Run as a program it writes that part anew: `node --conditions=source test/unit/crds/errors-page.ts`. */
if (import.meta.main) {
  const page = readFileSync(ERRORS_PAGE, 'utf8');
  writeFileSync(
    ERRORS_PAGE,
    page.replace(codesOnPage(page), () => codesChapter()),
  );
}
