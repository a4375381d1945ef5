/**
 * Writes src/contract/generated from the proto file, or with --check says whether it is as it would be written.
 * Enum values are strings, 64-bit integers are numbers (positions and counts stay far below 2^53), and the
 * loader in src/contract/wire.ts is given the same options.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const packageRoot = join(import.meta.dirname, '..');
const target = join(packageRoot, 'src', 'contract', 'generated');
const protoFile = 'transship/agent/v1alpha1/agent.proto';

function generate(outDir) {
  const require = createRequire(import.meta.url);
  const loader = dirname(require.resolve('@grpc/proto-loader/package.json'));
  const tool = join(loader, 'build', 'bin', 'proto-loader-gen-types.js');
  const options = ['--longs=Number', '--enums=String', '--defaults', '--oneofs'];
  const layout = ['--grpcLib=@grpc/grpc-js', '--importFileExtension=.ts', '--includeDirs=proto'];
  const { status, stderr } = spawnSync(
    process.execPath,
    [tool, ...options, ...layout, `--outDir=${outDir}`, protoFile],
    { cwd: packageRoot, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`proto-loader-gen-types failed: ${stderr}`);
}

/** Contents by path relative to `root`, of every file below it. */
function filesBelow(root) {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = entries.map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((path) => [path.slice(root.length + 1), readFileSync(path, 'utf8')]));
}

function check() {
  const fresh = mkdtempSync(join(tmpdir(), 'transship-proto-'));
  try {
    generate(fresh);
    const [wanted, present] = [filesBelow(fresh), filesBelow(target)];
    const names = new Set([...wanted.keys(), ...present.keys()]);
    return [...names].filter((name) => wanted.get(name) !== present.get(name));
  } finally {
    rmSync(fresh, { recursive: true });
  }
}

if (process.argv.includes('--check')) {
  const drifted = check();
  for (const name of drifted)
    console.error(`${name}: differs from the proto file; run npm run generate:proto -w node-agent`);
  process.exitCode = drifted.length === 0 ? 0 : 1;
} else {
  rmSync(target, { recursive: true, force: true });
  generate(target);
}
