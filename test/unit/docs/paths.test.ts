import { describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../..');

/** What a path from the top of the repository begins with. */
const TOP = ['.ci', 'charts', 'crds', 'docs', 'examples', 'native', 'node-agent', 'operator', 'test'];
const PATH = new RegExp(
  String.raw`(?<![\w./@-])(?:${TOP.map((name) => name.replace('.', '\\.')).join('|')})/[\w./*<>{}-]*`,
  'gu',
);
/** Built, not kept. */
const BUILT = /(^|\/)(dist|build|node_modules)(\/|$)/u;

/** Inline code and code blocks: prose may say "and/or". */
const codeOf = (page: string): string =>
  [...page.matchAll(/```[\s\S]*?```|`[^`\n]+`/gu)].map(([code]) => code).join('\n');

/** Paths that a page names in code, up to the first part that stands for something else, such as `test/<suite>`. */
function namedPaths(page: string): string[] {
  const paths = [...codeOf(page).matchAll(PATH)].map(([path]) => {
    const parts = path.replace(/[.]+$/u, '').split('/');
    const open = parts.findIndex((part) => /[*<>{}]/u.test(part));
    return (open < 0 ? parts : parts.slice(0, open)).filter((part) => part !== '').join('/');
  });
  return [...new Set(paths)].filter((path) => !BUILT.test(path));
}

/** Targets of links to other files of the repository. */
const linkedFiles = (page: string): string[] =>
  [...page.matchAll(/\]\(([^)\s]+)\)/gu)]
    .map(([, target = '']) => target.split('#')[0] ?? '')
    .filter((target) => target !== '' && !/^[a-z]+:/u.test(target));

const pages = [
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
  'README.md',
].filter((page) => page !== 'README.md' || existsSync(join(ROOT, page)));

describe('documentation', () => {
  test.each(pages)('%s names only paths that exist', (page) => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    expect(namedPaths(text).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  test.each(pages)('%s links only to files that exist', (page) => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    const missing = linkedFiles(text).filter((target) => !existsSync(join(ROOT, dirname(page), target)));
    expect(missing).toEqual([]);
  });

  test.each(['operator/src', 'node-agent/src'])('architecture.md names every folder of %s', (program) => {
    const named = namedPaths(readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8'));
    const folders = readdirSync(join(ROOT, program), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${program}/${entry.name}`);
    expect(folders.filter((folder) => !named.includes(folder))).toEqual([]);
  });
});

describe('what counts as a path', () => {
  test('is found in code, cut at what stands for something else', () => {
    const page =
      'See `operator/src/core`, `test/<suite>/x.test.ts`, `crds/*.yaml`.\n```\nls native/lib/\n```\n';
    expect(namedPaths(page)).toEqual(['operator/src/core', 'test', 'crds', 'native/lib']);
  });

  test('is not what is built, what is part of another path, and what prose says', () => {
    expect(namedPaths('`native/dist/x`, `@transship/operator/core`, operator/agent, `/a/test/b`')).toEqual(
      [],
    );
  });

  test('a link is followed without its anchor, and not to other sites', () => {
    expect(linkedFiles('[a](errors.md#codes) [b](https://example.com/x) [c](#here)')).toEqual(['errors.md']);
  });
});
