import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument } from 'yaml';

/** The manifest of the README. */
export const EXAMPLE = join(import.meta.dirname, '..', '..', 'examples', 'devicemigration.yaml');

export interface DemoManifest {
  readonly text: string;
  readonly namespace: string;
  readonly name: string;
}

/** The example as it stands; for another number of devices, with both lists of device ids replaced. */
export async function demoManifest(
  source: readonly string[],
  target: readonly string[],
): Promise<DemoManifest> {
  const example = await readFile(EXAMPLE, 'utf8');
  const document = parseDocument(example);
  const listed = document.getIn(['spec', 'source', 'devices']) as { readonly items: readonly unknown[] };
  const isAsItStands = listed.items.length === source.length;
  if (!isAsItStands) {
    document.setIn(['spec', 'source', 'devices'], source);
    document.setIn(['spec', 'target', 'devices'], target);
  }
  return {
    text: isAsItStands ? example : document.toString(),
    namespace: String(document.getIn(['metadata', 'namespace'])),
    name: String(document.getIn(['metadata', 'name'])),
  };
}
