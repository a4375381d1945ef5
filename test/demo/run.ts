import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { issueTestPki } from '../support/certificates.ts';
import { startOperator } from '../support/processes.ts';
import { check } from './checks.ts';
import { FolderDoor } from './folder-door.ts';
import { SOURCE, startNode, TARGET } from './nodes.ts';
import { bytesOf } from './options.ts';
import type { DemoOptions } from './options.ts';
import { report } from './report.ts';
import { sail } from './voyage.ts';

/** Beside the memory of the devices: two agents, an operator, windows and buffers. */
const OVERHEAD_BYTES = 1.5 * 2 ** 30;

/**
 * Starts two nodes, moves a set from one to the other, prints what the emulators say of it, and ends all it started.
 * True when every check holds.
 */
export async function run(
  options: DemoOptions,
  directory: string,
  out: NodeJS.WriteStream,
  signal: AbortSignal,
): Promise<boolean> {
  const { devices, memory } = options;
  requireMemory(2 * devices * bytesOf(memory) + OVERHEAD_BYTES);
  await using stack = new AsyncDisposableStack();
  out.write(
    `Two nodes with ${devices} devices of ${memory} each; every device of ${SOURCE} writes to every other.\n`,
  );
  const pki = await issueTestPki(join(directory, 'pki'), [SOURCE, TARGET]);
  const node = (name: string) =>
    startNode({ name, directory, devices, memory, pki, busy: name === SOURCE }, stack);
  const [source, target] = await Promise.all([node(SOURCE), node(TARGET)]);
  signal.throwIfAborted();
  const manifests = join(directory, 'manifests');
  await mkdir(manifests);
  stack.use(
    await startOperator({
      manifests,
      logFile: join(directory, 'operator.log'),
      tls: pki.operator,
      agents: [source.agent, target.agent],
    }),
  );
  signal.throwIfAborted();
  const evidence = await sail({ source, target, door: new FolderDoor(manifests), pki, out, signal });
  const checks = check(evidence);
  out.write(`\n${report(evidence, checks)}\n`);
  return checks.every(({ failure }) => failure === null);
}

function requireMemory(bytes: number): void {
  if (process.availableMemory() >= bytes) return;
  const gib = (count: number): string => (count / 2 ** 30).toFixed(1);
  throw new Error(
    `this takes about ${gib(bytes)} GiB of memory and ${gib(process.availableMemory())} GiB are free; ` +
      'try a smaller --memory or fewer --devices',
  );
}
