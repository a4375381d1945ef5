const CHUNK = 1 << 20;

/** Numbers in the order in which they came, in flat memory that grows without being copied. */
class Numbers {
  readonly #chunks: Uint32Array[] = [];
  count = 0;

  push(value: number): void {
    if (this.count % CHUNK === 0) this.#chunks.push(new Uint32Array(CHUNK));
    this.#chunks[Math.floor(this.count / CHUNK)]![this.count % CHUNK] = value;
    this.count += 1;
  }

  at(index: number): number {
    return this.#chunks[Math.floor(index / CHUNK)]![index % CHUNK]!;
  }
}

/**
 * Where each world leads without a further fault, noted when it is expanded: four bytes a transition, so that liveness,
 * which looks at all of them several times, need not find them anew.
 */
export class Ways {
  readonly #targets = new Numbers();
  /** Where the ways of a world end among the targets, by its number. */
  readonly #ends = new Numbers();

  /** One more of the world that is expanded now. */
  add(to: number): void {
    this.#targets.push(to);
  }

  /** That world, the first one whose ways were not closed yet, has no more. */
  close(): void {
    this.#ends.push(this.#targets.count);
  }

  some(id: number, holds: (to: number) => boolean): boolean {
    const end = this.#ends.at(id);
    for (let at = id === 0 ? 0 : this.#ends.at(id - 1); at < end; at += 1)
      if (holds(this.#targets.at(at))) return true;
    return false;
  }
}
