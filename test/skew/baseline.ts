/** The version before this one, built from the history of this clone. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../support/processes.ts';

/** The last commit of the version before: it speaks version 1 of the contract, and names none. */
const BASELINE = '630de5152b113b0ff01efbaf68029e9321444e84';

/** What is compiled. The native library and its addon are those of this checkout, see below. */
const PACKAGES = ['crds', 'node-agent', 'operator'] as const;
const WORKSPACES = [...PACKAGES, 'native'] as const;
/** To end a compiler that hangs. */
const BUILD_TIMEOUT_MS = 600_000;

export type Baseline =
  { readonly found: true; readonly root: string } | { readonly found: false; readonly why: string };

/**
 * Builds the baseline in a cache folder of its commit and of this checkout and returns where it is. Its TypeScript is compiled with this
 * checkout's dependencies and against this checkout's native library, so that one addon serves both; that the old agent
 * fits the present library is what the compiler checks. Not found when the clone does not reach back that far.
 * @throws when it does not compile, or a whole clone does not have it.
 */
export async function baseline(): Promise<Baseline> {
  const why = whyMissing();
  if (why !== null) return { found: false, why };
  // What it links to is of this checkout: another one has a build of its own.
  const checkout = createHash('sha256').update(projectRoot).digest('hex').slice(0, 12);
  const root = join(cacheFolder(), 'skew', `${BASELINE}-${checkout}`);
  await mkdir(root, { recursive: true });
  must('unpacking', 'sh', [
    '-c',
    `git -C "$0" archive ${BASELINE} package.json tsconfig.json ${PACKAGES.join(' ')} | tar -x -C "$1"`,
    projectRoot,
    root,
  ]);
  await useNative(root);
  await linkDependencies(root);
  const compiler = join(projectRoot, 'node_modules', '.bin', 'tsc');
  must('compiling', compiler, ['-b', ...PACKAGES], root);
  return { found: true, root };
}

/** null: the commit is there. @throws when it is not, and only a shallow clone may be without it. */
function whyMissing(): string | null {
  if (!existsSync(join(projectRoot, '.git'))) return 'the sources are not in a git repository';
  const found = run('git', ['cat-file', '-e', `${BASELINE}^{commit}`], projectRoot);
  if (found.status === 0) return null;
  const shallow = run('git', ['rev-parse', '--is-shallow-repository'], projectRoot);
  const short = BASELINE.slice(0, 7);
  if (shallow.status === 0 && shallow.stdout.trim() === 'true')
    return `commit ${short} is not in this clone, which is shallow`;
  throw new Error(`commit ${short} cannot be read, and the clone is not shallow: ${reasonOf(found)}`);
}

function cacheFolder(): string {
  const { TRANSSHIP_CACHE: own, XDG_CACHE_HOME: common } = process.env;
  return own ?? join(common ?? join(homedir(), '.cache'), 'transship');
}

/** The library's sources are copied, since the compiler wants them inside; what is built is only referred to. */
async function useNative(root: string): Promise<void> {
  const [from, to] = [join(projectRoot, 'native'), join(root, 'native')];
  await rm(join(to, 'lib'), { recursive: true, force: true });
  for (const part of ['lib', 'package.json', 'tsconfig.json'])
    await cp(join(from, part), join(to, part), { recursive: true, preserveTimestamps: true });
  await link(join(from, 'build'), join(to, 'build'));
}

/** Every dependency is this checkout's, but the workspaces are the baseline's own. */
async function linkDependencies(root: string): Promise<void> {
  const [from, to] = [join(projectRoot, 'node_modules'), join(root, 'node_modules')];
  await mkdir(join(to, '@transship'), { recursive: true });
  for (const name of await readdir(from))
    if (name !== '@transship') await link(join(from, name), join(to, name));
  for (const name of WORKSPACES) await link(join(root, name), join(to, '@transship', name));
  for (const name of PACKAGES) {
    const own = join(projectRoot, name, 'node_modules');
    if ((await readdir(own).catch(() => [])).length > 0) await link(own, join(root, name, 'node_modules'));
  }
}

async function link(target: string, path: string): Promise<void> {
  await rm(path, { force: true });
  await symlink(target, path);
}

function run(command: string, args: readonly string[], cwd: string) {
  return spawnSync(command, args, { cwd, encoding: 'utf8', timeout: BUILD_TIMEOUT_MS });
}

function must(what: string, command: string, args: readonly string[], cwd = projectRoot): void {
  const result = run(command, args, cwd);
  if (result.status !== 0) throw new Error(`${what} the baseline failed: ${reasonOf(result)}`);
}

/** A program that could not be started has no output. */
const reasonOf = ({ error, stdout, stderr }: ReturnType<typeof run>): string =>
  error?.message ?? `${stdout}${stderr}`.trim();
