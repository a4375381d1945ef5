/** Situations that only a person ends, made for real. */
import { readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@transship/operator/internal/clock';
import { RecordFiles } from '@transship/operator/internal/standalone/record-files';
import { FolderMigrationStore } from '@transship/operator/internal/standalone/store';
import { eventually } from './managed-process.ts';
import type { ManifestOptions } from './migration-manifest.ts';
import type { TestNode } from './test-node.ts';
import type { TwoNodes } from './two-nodes.ts';

const PATIENCE_MS = 120_000;

/** Waits until every device of a set of the node is in this state. */
export async function allAt(node: TestNode, state: string, count: number): Promise<void> {
  await eventually(`${node.node} is ${state}`, PATIENCE_MS, async () =>
    (await node.states()).slice(0, count).every((one) => one === state) ? true : null,
  );
}

/** Commit is recorded and one device of the target is quiet: activation was ordered. Returns what lets it go on. */
export async function halfActivated(
  nodes: TwoNodes,
  name: string,
  options: ManifestOptions,
): Promise<() => Promise<void>> {
  const count = options.devices?.length ?? 0;
  const letSourceGo = await nodes.source.holdQuiet(0);
  await nodes.apply(name, options);
  await allAt(nodes.target, 'Resuming', count);
  const letTargetGo = await nodes.target.holdQuiet(1);
  await letSourceGo();
  await nodes.waitFor(name, 'Commit', ({ decision }) => decision.value === 'Commit');
  await allAt(nodes.target, 'RunningP2P', 1);
  return letTargetGo;
}

/** The source has promised, the target is about to, nothing is decided, and the operator is dead. */
export async function stoppedWithoutOperator(
  nodes: TwoNodes,
  name: string,
  options: ManifestOptions,
): Promise<void> {
  const count = options.devices?.length ?? 0;
  const letSourceGo = await nodes.source.holdQuiet(0);
  await nodes.apply(name, options);
  await allAt(nodes.target, 'Resuming', count);
  // From here on the target writes Stop once: when it leaves Resuming.
  await nodes.target.control.fault(0, 'stall-arc', { to: 0x0, ms: 600_000, count: 1 });
  await letSourceGo();
  await nodes.waitFor(name, 'the target verifies', ({ phase }) => phase === 'Verifying');
  await nodes.operator.kill();
  await nodes.target.control.clear(0);
  await allAt(nodes.target, 'Stop', count);
}

const recordOf = (nodes: TwoNodes, name: string): string =>
  join(nodes.directory, 'manifests', '.transship', `default.${name}.json`);

/** A copy of the record, as a backup holds it. */
export const backup = (nodes: TwoNodes, name: string): Promise<string> =>
  readFile(recordOf(nodes, name), 'utf8');

export const restore = (nodes: TwoNodes, name: string, copy: string): Promise<void> =>
  writeFile(recordOf(nodes, name), copy);

/** Object and manifest are gone without a trace. */
export async function vanish(nodes: TwoNodes, name: string): Promise<void> {
  await unlink(recordOf(nodes, name));
  await nodes.delete(name);
}

/** Commit is on record as an operator leaves it that dies right after it wrote it; both sides have promised. */
export async function recordCommit(nodes: TwoNodes, name: string): Promise<void> {
  const files = new RecordFiles(join(nodes.directory, 'manifests', '.transship'), () => Promise.resolve());
  const store = new FolderMigrationStore(files, systemClock);
  const stored = await store.get({ namespace: 'default', name });
  if (stored === null) throw new Error(`there is no migration ${name}`);
  const by = stored.status.operator ?? 'operator';
  const outcome = await store.recordDecision(stored, 'Undecided', 'Commit', by, 'generation 1 verified');
  if (outcome.kind !== 'written') throw new Error(`Commit was not written: ${outcome.kind}`);
}
