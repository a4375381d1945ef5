import type { FileSystem } from '@transship/node-agent/internal/journal/file-system';

export class Crash extends Error {}

interface Disk {
  readonly files: Map<string, Buffer>;
  /** Renames that a crash may undo: what the name stood for before. */
  readonly volatile: Map<string, Buffer | undefined>;
}

/** When the power fails: before the call, with the file made and nothing or half of it written, or right after the call. */
export type When = 'before' | 'empty' | 'torn' | 'after';

/** A disk that loses power at its n-th call. */
export class FailingDisk implements FileSystem {
  readonly disk: Disk = { files: new Map(), volatile: new Map() };
  readonly #at: number;
  readonly #when: When;
  calls = 0;

  constructor(at: number, when: When) {
    this.#at = at;
    this.#when = when;
  }

  /** Nothing reaches it any more. */
  get hasFailed(): boolean {
    return this.calls >= this.#at;
  }

  ensureDirectory(): Promise<void> {
    return Promise.resolve();
  }

  list(directory: string): Promise<string[]> {
    const inside = [...this.disk.files.keys()].filter((path) => path.startsWith(`${directory}/`));
    return Promise.resolve(
      inside.map((path) => path.slice(directory.length + 1)).filter((name) => !name.includes('/')),
    );
  }

  read(path: string): Promise<Buffer> {
    return Promise.resolve(this.disk.files.get(path) ?? Buffer.alloc(0));
  }

  async writeDurably(path: string, contents: Buffer): Promise<void> {
    await this.#call(
      () => this.disk.files.set(path, contents),
      (part) => this.disk.files.set(path, contents.subarray(0, contents.length * part)),
    );
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#call(() => {
      const { files, volatile } = this.disk;
      volatile.set(to, files.get(to));
      files.set(to, files.get(from) ?? Buffer.alloc(0));
      files.delete(from);
    });
  }

  async remove(path: string): Promise<void> {
    await this.#call(() => this.disk.files.delete(path));
  }

  async syncDirectory(): Promise<void> {
    await this.#call(() => this.disk.volatile.clear());
  }

  /** What is found after the crash; `undone`: renames that were not synced did not reach the disk. */
  after(undone: boolean): FailingDisk {
    const found = new FailingDisk(Infinity, 'before');
    for (const [path, contents] of this.disk.files) found.disk.files.set(path, contents);
    if (undone) {
      for (const [path, before] of this.disk.volatile) {
        if (before === undefined) found.disk.files.delete(path);
        else found.disk.files.set(path, before);
      }
    }
    return found;
  }

  async #call(act: () => unknown, tear: (part: number) => unknown = () => undefined): Promise<void> {
    await Promise.resolve();
    this.calls += 1;
    if (this.calls < this.#at) {
      act();
      return;
    }
    if (this.calls === this.#at && this.#when === 'after') act();
    if (this.calls === this.#at && this.#when === 'empty') tear(0);
    if (this.calls === this.#at && this.#when === 'torn') tear(0.5);
    throw new Crash('no power');
  }
}
