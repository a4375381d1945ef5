import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { conformancePage } from './document.ts';
import { ROOT } from './jest-run.ts';

/** Writes docs/conformance.md from the rows, in the project's format. */
export async function writeDocument(): Promise<void> {
  const path = join(ROOT, 'docs/conformance.md');
  const style = await resolveConfig(path);
  await writeFile(path, await format(conformancePage(), { ...style, filepath: path }));
}
