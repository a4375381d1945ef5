import type { TestPki } from '../support/certificates.ts';
import type { DemoDoor } from './door.ts';
import { collect, keptDigests } from './evidence.ts';
import type { Evidence } from './evidence.ts';
import { demoManifest } from './manifest.ts';
import type { DemoNode } from './nodes.ts';
import { showProgress } from './progress.ts';
import { VoyageLog } from './voyage-log.ts';

export interface VoyageOptions {
  readonly source: DemoNode;
  readonly target: DemoNode;
  readonly door: DemoDoor;
  readonly pki: TestPki;
  readonly out: NodeJS.WriteStream;
  readonly signal: AbortSignal;
}

/** Moves the set, shows how it goes, and returns what the emulators say of it. Rejects when it does not succeed. */
export async function sail(options: VoyageOptions): Promise<Evidence> {
  const { source, target, door, pki, out, signal } = options;
  const workloadBefore = await source.emulator.control.workload();
  const manifest = await demoManifest(source.agent.deviceIds, target.agent.deviceIds);
  const uid = await door.apply(manifest, (line) => out.write(`${line}\n`), signal);

  await using stack = new AsyncDisposableStack();
  const log = new VoyageLog(source.agent.deviceIds, target.agent.deviceIds);
  const end = new AbortController();
  for (const [node, role] of [
    [source, 'source'],
    [target, 'target'],
  ] as const) {
    const client = await node.agent.client(pki.operator);
    const watching = log.watch(client, uid, role, AbortSignal.any([signal, end.signal]));
    stack.defer(async () => {
      end.abort();
      await watching;
      client.close();
    });
  }
  let targetMemoryBefore: readonly string[] = [];
  const asking = log.loading.then(async () => {
    targetMemoryBefore = (await keptDigests(target)).map(({ memory }) => memory);
  });
  // Awaited below, where a migration that failed has told more by then.
  asking.catch(() => undefined);
  using progress = showProgress(log, out);
  const status = await door.follow((line) => progress.say(line), signal);
  if (status.phase !== 'Succeeded') {
    const { code, message } = status.error ?? { code: 'no error', message: 'it has not ended' };
    throw new Error(`the migration is ${status.phase}: ${code}: ${message}`);
  }
  await asking;
  const { transferMs } = log;
  return collect(source, target, { status, transferMs, workloadBefore, targetMemoryBefore });
}
