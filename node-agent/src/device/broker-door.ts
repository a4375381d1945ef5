import type { BrokerBook, BrokerClient, BrokerEntry } from './broker.ts';
import { BrokerError } from './broker.ts';
import type { DeviceDoor, Keeper, OpenDevice } from './door.ts';
import { vmmAmong } from './vmm.ts';

/** The opening that this agent's duplicate is of. */
interface Held {
  readonly instance: string;
  readonly opens: number;
  /** Resets that were counted last. */
  resets: number;
  entry: BrokerEntry;
}

/**
 * A device that the broker keeps open. What the agent holds is a duplicate of the same open file: it works on without
 * the broker, and as long as it is open the device cannot be opened anew, hence not be reset by an opening. So the
 * incarnation is that of the opening which the duplicate is of, until the broker says that it has made another.
 */
export class BrokerDoor implements DeviceDoor {
  readonly #name: string;
  readonly #boot: string;
  readonly #client: BrokerClient;
  readonly #book: BrokerBook;
  #held: Held | null = null;

  constructor(name: string, boot: string, client: BrokerClient, book: BrokerBook) {
    this.#name = name;
    this.#boot = boot;
    this.#client = client;
    this.#book = book;
  }

  /** Rejects with TRANSSHIP_CONNECTION_LOST when the broker opened the device anew while it was being duplicated. */
  async open(): Promise<OpenDevice> {
    this.#held = null;
    const before = await this.#book.entry(this.#name);
    const device = await this.#client.open(this.#name);
    try {
      const after = await this.#book.entry(this.#name);
      if (!isSameOpening(before, after)) {
        throw new BrokerError('TRANSSHIP_CONNECTION_LOST', 'the broker was opening the device anew');
      }
      this.#held = { instance: after.instance, opens: after.opens, resets: after.resets, entry: after };
      return device;
    } catch (error) {
      await device.close().catch(() => undefined);
      throw error;
    }
  }

  async ask(): Promise<Keeper> {
    const held = this.#held;
    const entry = await this.#entryOr(held);
    if (held === null) return this.#keeper(entry, entry.resets, false);
    if (isSameOpening(held, entry)) {
      // A device that was unplugged stays unplugged for as long as anybody holds it open.
      if (entry.error !== null) return this.#keeper(entry, entry.resets, true);
      held.resets = entry.resets;
      held.entry = entry;
      return this.#keeper(entry, entry.resets, false);
    }
    if (entry.error === null) return this.#keeper(entry, entry.resets, true);
    // Another broker cannot open what this agent holds: nothing has happened to the device.
    return this.#keeper({ ...held.entry, holders: entry.holders }, held.resets, false);
  }

  async #entryOr(held: Held | null): Promise<BrokerEntry> {
    try {
      return await this.#book.entry(this.#name);
    } catch (error) {
      if (held === null) throw error;
      return held.entry;
    }
  }

  #keeper(entry: BrokerEntry, resets: number, stale: boolean): Keeper {
    return {
      incarnation: `${this.#boot}/${entry.instance}/${entry.opens}/${resets}`,
      driver: entry.driver,
      interface: entry.interface,
      vmm: vmmAmong(entry.holders),
      stale,
    };
  }
}

const isSameOpening = (
  a: Pick<BrokerEntry, 'instance' | 'opens'>,
  b: Pick<BrokerEntry, 'instance' | 'opens'>,
): boolean => a.instance === b.instance && a.opens === b.opens;
