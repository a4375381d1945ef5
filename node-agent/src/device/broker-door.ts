import type { Clock } from '../clock.ts';
import { sleep } from '../clock.ts';
import type { BrokerBook, BrokerClient, BrokerEntry } from './broker.ts';
import { BrokerError } from './broker.ts';
import type { DeviceDoor, Keeper, OpenDevice } from './door.ts';
import { isBrokerAway } from './native-failure.ts';
import { vmmAmong } from './vmm.ts';

/** The opening that this agent's duplicate is of, with the last entry that was told of it. */
type Held = Pick<
  BrokerEntry,
  'instance' | 'opens' | 'resets' | 'driver' | 'interface' | 'holders' | 'holdersKnown'
>;

export interface BrokerDoorParts {
  /** Id of the machine's boot. */
  readonly boot: string;
  readonly client: BrokerClient;
  readonly book: BrokerBook;
  readonly clock: Clock;
  /** Tells people: facts, and a constant message. */
  readonly warn: (facts: object, message: string) => void;
}

/** A broker that is being replaced is back by then; a RESET that fails for good costs the device, so it may wait. */
const RESET_PATIENCE_MS = 10_000;
const RESET_RETRY_MS = 500;
const FOREVER = new AbortController().signal;

/**
 * A device that the broker keeps open. What the agent holds is a duplicate of the same open file: it works on without
 * the broker, and as long as it is open the device cannot be opened anew, hence not be reset by an opening. So the
 * incarnation is that of the opening which the duplicate is of, until the broker says that it has made another.
 */
export class BrokerDoor implements DeviceDoor {
  readonly #name: string;
  readonly #parts: BrokerDoorParts;
  #held: Held | null = null;

  constructor(name: string, parts: BrokerDoorParts) {
    this.#name = name;
    this.#parts = parts;
  }

  /** Rejects with TRANSSHIP_CONNECTION_LOST when the broker opened the device anew while it was being duplicated. */
  async open(): Promise<OpenDevice> {
    const { client, book } = this.#parts;
    this.#held = null;
    const before = await book.entry(this.#name);
    const device = await client.open(this.#name);
    try {
      const after = await book.entry(this.#name);
      if (!isSameOpening(before, after)) {
        throw new BrokerError('TRANSSHIP_CONNECTION_LOST', 'the broker was opening the device anew');
      }
      this.#held = after;
      return device;
    } catch (error) {
      await device.close().catch(() => undefined);
      throw error;
    }
  }

  /** The broker counts it. One that is away, or has not got the device back yet, is waited for. */
  async reset(device: OpenDevice): Promise<void> {
    const { clock } = this.#parts;
    const until = clock.now() + RESET_PATIENCE_MS;
    for (;;) {
      try {
        await device.reset();
        break;
      } catch (error) {
        if (!isBrokerAway(error) || clock.now() >= until) throw error;
      }
      await sleep(clock, RESET_RETRY_MS * (0.5 + Math.random() / 2), FOREVER);
    }
    await this.#tellRung();
  }

  /** Of a broker that is away by now nobody knows; the reset was done all the same. */
  async #tellRung(): Promise<void> {
    const entry = await this.#parts.book.entry(this.#name).catch(() => null);
    if (entry?.rung !== 'bus') return;
    const facts = { device: this.#name, rung: entry.rung };
    this.#parts.warn(facts, 'the function of a device could not be reset, so its bus was');
  }

  async ask(): Promise<Keeper> {
    const held = this.#held;
    const entry = await this.#entryOr(held);
    if (held === null) return this.#keeper(entry, false);
    if (isSameOpening(held, entry)) {
      // A device that was unplugged stays unplugged for as long as anybody holds it open.
      if (entry.error === null) this.#held = entry;
      return this.#keeper(entry, entry.error !== null);
    }
    if (entry.error === null) return this.#keeper(entry, true);
    // Another broker cannot open what this agent holds, and is handed the duplicate by native: nothing has happened to
    // the device.
    return this.#keeper(held, false);
  }

  async #entryOr(held: Held | null): Promise<Held & { readonly error: string | null }> {
    try {
      return await this.#parts.book.entry(this.#name);
    } catch (error) {
      if (held === null) throw error;
      return { ...held, error: null };
    }
  }

  #keeper(entry: Held, stale: boolean): Keeper {
    const { instance, opens, resets, driver, holders } = entry;
    return {
      incarnation: `${this.#parts.boot}/${instance}/${opens}/${resets}`,
      driver,
      interface: entry.interface,
      vmm: vmmAmong(holders) ?? (entry.holdersKnown === false ? UNKNOWN_HOLDERS : null),
      stale,
    };
  }
}

/** A monitor may be among them, so they count as one. */
const UNKNOWN_HOLDERS =
  "processes that the broker cannot look into (it needs the host's PID namespace and CAP_SYS_PTRACE)";

const isSameOpening = (a: Held, b: Held): boolean => a.instance === b.instance && a.opens === b.opens;
