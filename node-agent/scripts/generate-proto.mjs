/**
 * Writes the generated folders from the proto files, or with --check says whether they are as they would be written.
 * Enum values are strings. 64-bit integers are numbers where positions and counts stay far below 2^53, and strings
 * where they are addresses. The loaders, a `wire.ts` each, are given the same options.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const packageRoot = join(import.meta.dirname, '..');

const CONTRACTS = [
  { target: 'src/contract/generated', protoFile: 'transship/agent/v1alpha1/agent.proto', longs: 'Number' },
  {
    target: 'src/pods/generated',
    protoFile: 'kubelet/podresources/v1/podresources.proto',
    longs: 'Number',
  },
  { target: 'src/workload/generated', protoFile: 'transship/workload/v1alpha1/hook.proto', longs: 'String' },
];

function generate({ protoFile, longs }, outDir) {
  const require = createRequire(import.meta.url);
  const loader = dirname(require.resolve('@grpc/proto-loader/package.json'));
  const tool = join(loader, 'build', 'bin', 'proto-loader-gen-types.js');
  const options = [`--longs=${longs}`, '--enums=String', '--defaults', '--oneofs'];
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

function check(contract) {
  const fresh = mkdtempSync(join(tmpdir(), 'transship-proto-'));
  try {
    generate(contract, fresh);
    const [wanted, present] = [filesBelow(fresh), filesBelow(join(packageRoot, contract.target))];
    const names = new Set([...wanted.keys(), ...present.keys()]);
    return [...names].filter((name) => wanted.get(name) !== present.get(name));
  } finally {
    rmSync(fresh, { recursive: true });
  }
}

if (process.argv.includes('--check')) {
  const drifted = CONTRACTS.flatMap((contract) =>
    check(contract).map((name) => `${contract.target}/${name}`),
  );
  for (const name of drifted)
    console.error(`${name}: differs from the proto file; run npm run generate:proto -w node-agent`);
  process.exitCode = drifted.length === 0 ? 0 : 1;
} else {
  for (const contract of CONTRACTS) {
    const target = join(packageRoot, contract.target);
    rmSync(target, { recursive: true, force: true });
    generate(contract, target);
  }
}
