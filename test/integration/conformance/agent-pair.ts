/** Two agents inside this process, each with an emulator process, so that the agents' own sources are under test. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { startAgent } from '@transship/node-agent/internal/agent';
import { parseConfig } from '@transship/node-agent/internal/config';
import { createAgentClient, loadTls } from '@transship/node-agent/contract';
import type { Role, SessionSnapshot, SourceCommand, TargetCommand } from '@transship/node-agent/contract';
import { issueTestPki } from '../../support/certificates.ts';
import type { TestPki } from '../../support/certificates.ts';
import { startEmulator } from '../../support/processes.ts';
import type { RunningEmulator } from '../../support/processes.ts';
import { Voyage } from '../../support/voyage.ts';
import type { Shore } from '../../support/voyage.ts';
import { lastOf } from './outcome.ts';

export const DEVICES = 3;

/** Small and busy: a device that is stopped too early loses something within a few milliseconds. */
const EMULATOR = [
  ...['--window', '64K', '--segment', '16K', '--mmap', 'none'],
  ...['--link-rate', '500', '--link-latency', '5ms', '--dirty-rate', '256K'],
];
const AGENT = ['--window-bytes', '65536', '--frame-bytes', '5000', '--log-level', 'error'];

interface Side {
  readonly emulator: RunningEmulator;
  readonly shore: Shore;
}

export class AgentPair implements AsyncDisposable {
  readonly source: Side;
  readonly target: Side;
  readonly #stack: AsyncDisposableStack;

  private constructor(source: Side, target: Side, stack: AsyncDisposableStack) {
    this.source = source;
    this.target = target;
    this.#stack = stack;
  }

  /**
   * A set under traffic on `gpu-a`; on `gpu-b` devices that hold what an ended workload left in them, and that take
   * any stream: what is noticed there is noticed by the agents or by the monitor.
   */
  static async start(): Promise<AgentPair> {
    const stack = new AsyncDisposableStack();
    const directory = await mkdtemp(join(tmpdir(), 'ts-pair-'));
    stack.defer(() => rm(directory, { recursive: true }));
    const pki = await issueTestPki(join(directory, 'pki'), ['gpu-a', 'gpu-b']);
    const source = await openSide('gpu-a', directory, pki, ['--seed', '1'], stack);
    const target = await openSide('gpu-b', directory, pki, ['--seed', '2', '--gullible'], stack);
    await target.emulator.control.ask('freeze');
    await target.emulator.control.ask('discard');
    return new AgentPair(source, target, stack);
  }

  voyage(): Voyage {
    return new Voyage(
      randomUUID(),
      () => this.source.shore,
      () => this.target.shore,
    );
  }

  /** Orders one step: the monitors stay silent over it, and it leads to `phase` without an error. */
  async step(
    voyage: Voyage,
    role: Role,
    command: SourceCommand | TargetCommand,
    phase: SessionSnapshot['phase'],
  ): Promise<SessionSnapshot> {
    const { session, refusal } = await voyage.send(role, command);
    await this.expectSilentMonitors();
    const { error } = session;
    expect({ refusal, phase: session.phase, error }).toEqual({ refusal: null, phase, error: null });
    return session;
  }

  /** The last device of a side takes so much longer to enter a state: whoever goes ahead of it is seen. */
  async slow(side: 'source' | 'target', to: string): Promise<void> {
    await this[side].emulator.control.fault(DEVICES - 1, 'stall-arc', { to, ms: 60, count: 1 });
  }

  async digests(side: 'source' | 'target'): Promise<string[]> {
    const { control } = this[side].emulator;
    const digests = await Promise.all(Array.from({ length: DEVICES }, (_, index) => control.digest(index)));
    return digests.map(({ digest }) => digest);
  }

  async expectSilentMonitors(): Promise<void> {
    const violations = await Promise.all(
      [this.source, this.target].map(({ emulator }) => emulator.control.violations()),
    );
    expect(violations.flat().map(({ item, what }) => `${item}: ${what}`)).toEqual([]);
  }

  /** All devices of a side run, its workload too, and its links go on with nothing lost, skipped or doubled. */
  async expectSetRuns(side: 'source' | 'target'): Promise<void> {
    const { control } = this[side].emulator;
    expect((await control.devices()).map(({ state }) => state)).toEqual(
      Array.from({ length: DEVICES }, () => 'Running'),
    );
    expect(await control.workload()).toMatchObject({ phase: 'Live', frozen: false });
    const { set } = (await control.devices())[0]!;
    const links = async () => (await control.links()).filter((link) => link.set === set);
    const before = await links();
    expect(before.length).toBe(DEVICES * (DEVICES - 1));
    const after = await lastOf(links, (now) => now.every((link, at) => link.received > before[at]!.received));
    expect(after.filter((link, at) => link.received <= before[at]!.received)).toEqual([]);
    expect(after.filter(({ lost, gaps, doubles }) => lost + gaps + doubles > 0)).toEqual([]);
  }

  /** Nothing of a set is left in the devices of a side. */
  async expectReset(side: 'source' | 'target'): Promise<void> {
    const devices = await this[side].emulator.control.devices();
    expect(devices.map(({ state, armed }) => ({ state, armed }))).toEqual(
      Array.from({ length: DEVICES }, () => ({ state: 'Running', armed: false })),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

async function openSide(
  node: string,
  root: string,
  pki: TestPki,
  args: readonly string[],
  stack: AsyncDisposableStack,
): Promise<Side> {
  const directory = join(root, node);
  const emulator = stack.use(
    await startEmulator({ directory, node, devices: DEVICES, memory: '128K', args: [...EMULATOR, ...args] }),
  );
  const devices = emulator.sockets.map((vfioUser, index) => ({ id: `${node}/${index}`, vfioUser }));
  const file = join(directory, 'devices.yaml');
  await writeFile(file, JSON.stringify({ devices, workload: { emulatorControl: emulator.controlSocket } }));
  const { cert, key, ca } = pki.node(node);
  const agent = await startAgent(
    parseConfig([
      ...['--node-name', node, '--listen', '127.0.0.1:0', '--state-dir', join(directory, 'state')],
      ...['--tls-cert', cert, '--tls-key', key, '--tls-ca', ca, '--devices', file, ...AGENT],
    ]),
  );
  stack.defer(() => agent.stop());
  const { endpoint } = agent;
  const client = createAgentClient({ endpoint, tls: await loadTls(pki.operator), nodeName: node });
  stack.defer(() => client.close());
  return { emulator, shore: { client, node, endpoint, devices: devices.map(({ id }) => id) } };
}
