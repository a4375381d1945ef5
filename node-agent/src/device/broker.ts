import { FreshAnswer } from '../fresh-answer.ts';
import type { OpenDevice } from './door.ts';

/** A process that was given a duplicate of a device. */
export interface Holder {
  readonly pid: number;
  /** Its name as the kernel has it: cut to 15 characters. */
  readonly comm: string;
  readonly role: string;
}

/** One device as the broker keeps it. */
export interface BrokerEntry {
  readonly name: string;
  readonly interface: string;
  /** Of the broker's process. */
  readonly instance: string;
  /** How often that process has opened the device, and how often it was reset through it. */
  readonly opens: number;
  readonly resets: number;
  readonly driver: string;
  readonly holders: readonly Holder[];
  /** False when there may be others. Absent from a broker that is older than this agent. */
  readonly holdersKnown?: boolean;
  /** What the last reset has reset: `function`, or `bus` where that could not be. Absent from an older broker. */
  readonly rung?: string | null;
  /** Why the device is not open, or null. */
  readonly error: string | null;
}

/** The broker of this node, as native's client speaks to it. */
export interface BrokerClient {
  list(): Promise<readonly BrokerEntry[]>;
  /** A duplicate of the device; rejects with native's error. Its reset() goes through the broker, which counts it. */
  open(name: string): Promise<OpenDevice>;
}

/** The broker did not tell what was asked. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError';
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Asks the broker for all devices at once; those who ask together share one answer. */
export class BrokerBook {
  readonly #answer: FreshAnswer<readonly BrokerEntry[]>;

  constructor(client: BrokerClient) {
    this.#answer = new FreshAnswer(() => client.list());
  }

  /** @throws BrokerError when the broker has no device of this name; native's error when it does not answer. */
  async entry(name: string): Promise<BrokerEntry> {
    const found = (await this.#answer.ask()).find((entry) => entry.name === name);
    if (found !== undefined) return found;
    throw new BrokerError('TRANSSHIP_NOT_ALLOWED', `the broker has no device ${name} for this agent`);
  }
}
