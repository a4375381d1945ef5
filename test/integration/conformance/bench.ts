import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { openVfioUser } from '@transship/native';
import type { NativeDevice } from '@transship/native';
import type { EmulatorControl } from '../../support/emulator-control.ts';
import { startEmulator } from '../../support/processes.ts';
import type { RunningEmulator } from '../../support/processes.ts';
import { RawDevice } from './raw-device.ts';

/** What the emulator says of a device beside what every harness asks. */
export interface DeviceReport {
  readonly index: number;
  readonly rawState: number;
  readonly set: string;
  readonly stateReads: number;
  readonly submitted: number;
  readonly completed: number;
  readonly interrupts: number;
  readonly inFlight: number;
}

/** Small enough that a whole stream takes milliseconds: 32 pages, a dozen segments. */
const SMALL = ['--window', '64K', '--segment', '16K'];
const MEMORY = '128K';

export interface BenchOptions {
  readonly devices?: number;
  /** Further arguments of transship-emulator. Without any the devices belong to no set. */
  readonly args?: readonly string[];
}

/**
 * One emulator process for the tests of a file. Each test takes devices that no other has used, opens them through
 * the real addon, and ends with end(), which says what the protocol monitor has recorded of it.
 */
export class Bench implements AsyncDisposable {
  readonly control: EmulatorControl;
  readonly #emulator: RunningEmulator;
  readonly #directory: string;
  readonly #devices: number;
  readonly #opened = new Map<number, NativeDevice>();
  #next = 0;

  private constructor(emulator: RunningEmulator, directory: string) {
    this.#emulator = emulator;
    this.#directory = directory;
    this.#devices = emulator.sockets.length;
    this.control = emulator.control;
  }

  static async start({ devices = 32, args = ['--traffic', 'off'] }: BenchOptions = {}): Promise<Bench> {
    const directory = await mkdtemp(join(tmpdir(), 'ts-bench-'));
    const options = { directory, node: 'bench', devices, memory: MEMORY, args: [...SMALL, ...args] };
    return new Bench(await startEmulator(options), directory);
  }

  /** Index of a device that no test has used; of the first of `count` neighbours. */
  take(count = 1): number {
    const first = this.#next;
    this.#next += count;
    if (this.#next > this.#devices) throw new Error(`the bench has ${this.#devices} devices, give it more`);
    return first;
  }

  /** Opens a device through the addon; opened again, the connection before is closed. */
  async open(index: number, options: Parameters<typeof openVfioUser>[1] = {}): Promise<NativeDevice> {
    await this.#opened.get(index)?.close();
    const device = await openVfioUser(this.#emulator.sockets[index] ?? '', options);
    this.#opened.set(index, device);
    return device;
  }

  /** The same device, driven register by register past everything that the client checks. */
  async raw(index: number, options: Parameters<typeof openVfioUser>[1] = {}): Promise<RawDevice> {
    return new RawDevice(await this.open(index, options));
  }

  async fault(
    index: number,
    kind: string,
    args: Readonly<Record<string, string | number>> = {},
  ): Promise<void> {
    await this.control.fault(index, kind, args);
  }

  async report(index: number): Promise<DeviceReport> {
    const devices = (await this.control.ask('info'))['devices'] as readonly DeviceReport[];
    return devices[index]!;
  }

  /** Ends a test: lets go of its devices; returns the items that the monitor saw broken, and forgets them. */
  async end(): Promise<string[]> {
    await Promise.all([...this.#opened.values()].map((device) => device.close()));
    this.#opened.clear();
    const violations = await this.control.violations();
    await this.control.ask('violations-reset');
    return violations.map(({ item, what }) => `${item}: ${what}`);
  }

  /** Ends a test that broke rules on purpose: the broken items. */
  async items(): Promise<string[]> {
    return (await this.end()).map((violation) => violation.slice(0, 'V1-00'.length));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#opened.values()].map((device) => device.close()));
    await this.#emulator[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true });
  }
}

/** Ends a test in which nobody misbehaved. */
export async function expectSilentMonitor(bench: Bench): Promise<void> {
  expect(await bench.end()).toEqual([]);
}
