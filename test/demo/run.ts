import { join } from 'node:path';
import { issueTestPki } from '../support/certificates.ts';
import { check } from './checks.ts';
import { SOURCE, TARGET } from './nodes.ts';
import { bytesOf } from './options.ts';
import type { DemoOptions } from './options.ts';
import { report } from './report.ts';
import { stageCluster, stageFolder } from './stage.ts';
import { sail } from './voyage.ts';

/** Beside the memory of the devices: two agents, an operator, windows and buffers; with Kubernetes its programs too. */
const OVERHEAD_BYTES = 1.5 * 2 ** 30;

export interface Run {
  /** Empty at first. */
  readonly directory: string;
  readonly out: NodeJS.WriteStream;
  readonly signal: AbortSignal;
  /** Ends what was started, when the caller disposes of it. */
  readonly stack: AsyncDisposableStack;
}

/**
 * Starts two nodes, moves a set from one to the other and prints what the emulators say of it. True when every check
 * holds.
 */
export async function run(options: DemoOptions, { directory, out, signal, stack }: Run): Promise<boolean> {
  const { devices, memory, kubernetes } = options;
  requireMemory(2 * devices * bytesOf(memory) + OVERHEAD_BYTES);
  const say = (line: string): void => {
    out.write(`${line}\n`);
  };
  say(`Nodes ${SOURCE} and ${TARGET}, ${devices} devices of ${memory} each; on ${SOURCE} all write to all.`);
  const pki = await issueTestPki(join(directory, 'pki'), [SOURCE, TARGET]);
  const setUp = kubernetes ? stageCluster : stageFolder;
  const stage = await setUp({ devices, memory, directory, pki, say, signal }, stack);
  const evidence = await sail({ ...stage, pki, out, signal });
  const checks = check(evidence);
  say(`\n${report(evidence, checks)}`);
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
