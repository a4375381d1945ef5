/**
 * Makes a clone ready, then runs a command in it: `node test/support/bootstrap.mjs [--no-build] [command [args...]]`.
 *
 * It is the first thing that runs on a fresh clone, so it uses nothing but Node itself, and any Node from 18 on: the
 * project's own Node 24 arrives with the dependencies. Everything is incremental; a second run does next to nothing.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = join(root, 'node_modules', '.bin');
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` };

/** Programs the native build needs: any one command of `commands`, which Debian's package `aptPackage` brings. */
const tools = [
  { what: 'a C++20 compiler', commands: ['c++', 'g++', 'clang++'], aptPackage: 'build-essential' },
  { what: 'make or ninja', commands: ['make', 'ninja'], aptPackage: 'build-essential' },
  { what: 'CMake', commands: ['cmake'], aptPackage: 'cmake' },
];

const say = (sentence) => process.stderr.write(`transship: ${sentence}\n`);

const stop = (sentence, status = 1) => {
  say(sentence);
  process.exit(status);
};

const run = (command, args) => spawnSync(command, args, { cwd: root, env, stdio: 'inherit' });

const isPresent = (command) =>
  spawnSync(command, ['--version'], { stdio: 'ignore', env }).error === undefined;

const mustRun = (what, command, args) => {
  const { status, error } = run(command, args);
  if (status !== 0) stop(`${what} failed${error ? `: ${error.message}` : ''}`, status ?? 1);
};

/** Installs what the native build lacks where that is allowed (root, apt), else says what a person has to install. */
function requireTools() {
  const missing = tools.filter((tool) => !tool.commands.some(isPresent));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((tool) => tool.aptPackage))];
  const names = missing.map((tool) => tool.what).join(', ');
  if (process.getuid?.() !== 0 || !isPresent('apt-get')) {
    stop(
      `${names} missing. Install it (Debian and Ubuntu: sudo apt-get install ${packages.join(' ')}), then try again.`,
    );
  }
  say(`${names} missing: installing ${packages.join(' ')} with apt-get`);
  env.DEBIAN_FRONTEND = 'noninteractive';
  mustRun('apt-get update', 'apt-get', ['update', '-qq']);
  mustRun('apt-get install', 'apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages]);
}

const readJson = (...path) => JSON.parse(readFileSync(join(root, ...path), 'utf8'));

/** True when what npm recorded as installed differs from the lock file. Optional packages may be for other machines. */
function isInstallStale() {
  if (!existsSync(join(root, 'node_modules', '.package-lock.json'))) return true;
  const installed = readJson('node_modules', '.package-lock.json').packages;
  return Object.entries(readJson('package-lock.json').packages).some(
    ([path, { version, link, optional }]) =>
      path.includes('node_modules/') &&
      !optional &&
      (link ? installed[path] === undefined : installed[path]?.version !== version),
  );
}

/**
 * Installs what the lock file names. `npm ci` would refuse a lock file that lacks another platform's optional binaries,
 * as it does when the registry it was made from does not carry them; --no-save keeps the lock file as it is.
 */
function installDependencies() {
  if (!isInstallStale()) return;
  if (!isPresent('npm')) stop('npm is missing. Install Node.js with npm, then try again.');
  say('installing dependencies (npm install)');
  mustRun('npm install', 'npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error']);
}

function build() {
  requireTools();
  mustRun('the native build', 'npm', ['run', '--silent', 'build', '--workspace', 'native']);
  mustRun('the TypeScript build', 'tsc', ['-b']);
}

/**
 * Runs what all this was for, with its exit code as ours. Signals are passed on and waited out, so that a command
 * that ends what it started can do so before the shell is back.
 */
function runCommand(command, args) {
  const child = spawn(command, args, { cwd: root, env, stdio: 'inherit' });
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => child.kill(name));
  child.on('error', (error) => stop(`${command}: ${error.message}`));
  child.on('exit', (status, signal) => {
    process.exitCode = status ?? 128 + constants.signals[signal];
  });
}

const args = process.argv.slice(2);
const isBuildWanted = args[0] !== '--no-build';
const [command, ...rest] = isBuildWanted ? args : args.slice(1);

installDependencies();
if (isBuildWanted) build();
if (command !== undefined) runCommand(command, rest);
