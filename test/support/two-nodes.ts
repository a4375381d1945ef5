/** Two nodes and an operator as real processes, the way a migration between them needs them. */
import { mkdtemp, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeviceMigrationStatus } from '@transship/crds';
import { issueTestPki, type TestPki } from './certificates.ts';
import type { EmulatedLink, Violation } from './emulator-control.ts';
import { eventually, type ManagedProcess } from './managed-process.ts';
import { migrationManifest, type ManifestOptions } from './migration-manifest.ts';
import { startOperator } from './processes.ts';
import { SOURCE, startNode, TARGET, type TestNode, type TwoNodesOptions } from './test-node.ts';

/** Everything a small machine with much other work to do may take for one voyage of a few megabytes, ms. */
const PATIENCE_MS = 90_000;
const QUOTED_LOG_CHARACTERS = 3_000;

/** How a migration ended, as its last event says. */
export interface Outcome {
  readonly phase: string;
  readonly message: string;
}

const TERMINAL: ReadonlySet<string> = new Set(['Succeeded', 'Failed', 'Aborted', 'Rejected']);

export type Status = DeviceMigrationStatus;

/** Some of the state has arrived in this phase. */
export const flowing =
  (phase: Status['phase']) =>
  (status: Status): boolean =>
    status.phase === phase && (status.transfer?.bytes ?? 0) > 0;

/** The traffic of the source's sets is under way when it is there. */
export class TwoNodes implements AsyncDisposable {
  readonly directory: string;
  readonly pki: TestPki;
  readonly source: TestNode;
  readonly target: TestNode;
  /** Further nodes that can take a set, as its options name them. */
  readonly others: readonly TestNode[];
  #operator: ManagedProcess;

  private constructor(
    parts: Pick<TwoNodes, 'directory' | 'pki' | 'source' | 'target' | 'others'>,
    operator: ManagedProcess,
  ) {
    this.directory = parts.directory;
    this.pki = parts.pki;
    this.source = parts.source;
    this.target = parts.target;
    this.others = parts.others;
    this.#operator = operator;
  }

  static async start(options: TwoNodesOptions = {}): Promise<TwoNodes> {
    await using stack = new AsyncDisposableStack();
    const directory = await mkdtemp(join(tmpdir(), 'ts-nodes-'));
    stack.defer(() => rm(directory, { recursive: true }));
    const { others: names = [] } = options;
    const pki = await issueTestPki(join(directory, 'pki'), [SOURCE, TARGET, ...names]);
    const [source, target, ...others] = await Promise.all([
      startNode(stack, directory, pki, SOURCE, options),
      startNode(stack, directory, pki, TARGET, options),
      ...names.map((name) => startNode(stack, directory, pki, name, options)),
    ]);
    const build = options.builds?.operator;
    const operator = stack.use(
      await startOperator({ ...operatorOptions(directory, pki, [source, target, ...others]), build }),
    );
    await eventually('traffic on the source', PATIENCE_MS, async () =>
      (await source.control.links()).every(({ received }) => received > 0) ? true : null,
    );
    stack.move();
    return new TwoNodes({ directory, pki, source, target, others }, operator);
  }

  get operator(): ManagedProcess {
    return this.#operator;
  }

  get nodes(): readonly [TestNode, TestNode, ...TestNode[]] {
    return [this.source, this.target, ...this.others];
  }

  /** Starts the operator again on its records. `build`: as in its options, default: this checkout. */
  async restartOperator(build?: string): Promise<void> {
    await this.#operator.kill();
    this.#operator = await startOperator({
      ...operatorOptions(this.directory, this.pki, this.nodes),
      build,
    });
  }

  /** Puts a manifest of the given name into the folder, whole from the first moment on. */
  async apply(name: string, options: ManifestOptions = {}): Promise<void> {
    await this.applyDocument(name, migrationManifest(name, options));
  }

  /** Any document, such as one that must be refused; the migration is called `name` all the same. */
  async applyDocument(name: string, document: unknown): Promise<void> {
    const file = this.#manifest(name);
    await writeFile(`${file}.part`, JSON.stringify(document, null, 2));
    await rename(`${file}.part`, file);
  }

  /** Takes the manifest away, which asks for the migration's end. */
  async delete(name: string): Promise<void> {
    await unlink(this.#manifest(name));
  }

  /** null: there is no such migration, or no more. */
  async status(name: string): Promise<Status | null> {
    return (await this.#record(name))?.status ?? null;
  }

  async uid(name: string): Promise<string> {
    const uid = (await this.#record(name))?.metadata.uid;
    if (uid === undefined) throw new Error(`there is no migration ${name}`);
    return uid;
  }

  /** Waits until the status satisfies the condition. @throws with the status and the ends of the logs. */
  async waitFor(
    name: string,
    what: string,
    satisfies: (status: Status) => boolean,
    deadlineMs = PATIENCE_MS,
  ): Promise<Status> {
    let last: Status | null = null;
    return this.#explained(`${name}: ${what}`, () =>
      eventually(what, deadlineMs, async () => {
        last = await this.status(name);
        return last !== null && satisfies(last) ? last : null;
      }).catch((cause: unknown) => {
        throw new Error(`the status was ${JSON.stringify(last, null, 1)}`, { cause });
      }),
    );
  }

  /** Waits for the end, which outlives the object in the operator's log. */
  async ended(name: string, deadlineMs = PATIENCE_MS): Promise<Outcome> {
    return this.#explained(`${name} ends`, () =>
      this.#operator.waitForLog((log) => endOf(log, name), deadlineMs),
    );
  }

  /** Links of one node as they are now. */
  async links(node: TestNode = this.source): Promise<readonly EmulatedLink[]> {
    return node.control.links();
  }

  /** Digests of one node's devices when they last stopped or took what they had loaded. */
  async digests(node: TestNode, devices: readonly number[]): Promise<string[]> {
    const kept = await Promise.all(devices.map((device) => node.control.keptDigest(device)));
    return kept.map(({ digest }) => digest);
  }

  /** Of all nodes; expected: none. */
  async violations(): Promise<readonly (Violation & { readonly node: string })[]> {
    const lists = await Promise.all(
      this.nodes.map(async ({ node, control }) =>
        (await control.violations()).map((one) => ({ node, ...one })),
      ),
    );
    return lists.flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([
      this.#operator.kill(),
      ...this.nodes.map(({ agent }) => agent.process.kill()),
      ...this.nodes.map(({ emulator }) => emulator.process.kill()),
    ]);
    await rm(this.directory, { recursive: true });
  }

  #manifest(name: string): string {
    return join(this.directory, 'manifests', `${name}.yaml`);
  }

  async #record(
    name: string,
  ): Promise<{ readonly metadata: { readonly uid: string }; readonly status: Status } | null> {
    for (const namespace of ['default', '']) {
      const path = join(this.directory, 'manifests', '.transship', `${namespace}.${name}.json`);
      const text = await readFile(path, 'utf8').catch(() => null);
      if (text !== null) return JSON.parse(text) as never;
    }
    return null;
  }

  /** Adds to an error what the processes wrote last. */
  async #explained<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      const programs = [this.#operator, ...this.nodes.map(({ agent }) => agent.process)];
      const logs = await Promise.all(
        programs.map(async (one) => `--- ${one.name}\n${(await one.log()).slice(-QUOTED_LOG_CHARACTERS)}`),
      );
      throw new Error([what, String((cause as Error).message), ...logs].join('\n'), { cause });
    }
  }
}

const operatorOptions = (
  directory: string,
  pki: TestPki,
  nodes: readonly TestNode[],
): Parameters<typeof startOperator>[0] => ({
  manifests: join(directory, 'manifests'),
  logFile: join(directory, 'operator.log'),
  tls: pki.operator,
  agents: nodes.map(({ agent }) => agent),
});

function endOf(log: string, name: string): Outcome | null {
  for (const line of log.split('\n')) {
    if (!line.includes('"msg":"event"')) continue;
    const event = JSON.parse(line) as { name: string; reason: string; message: string };
    if (event.name === name && TERMINAL.has(event.reason))
      return { phase: event.reason, message: event.message };
  }
  return null;
}
