import { WIDTH } from './parts.ts';
import { mix } from './tables.ts';

const CHUNK = 1 << 18;

/** Every world that was reached, once and exactly (no hash stands for one), in flat memory and in order of discovery. */
export class States {
  readonly #chunks: Uint32Array[] = [];
  readonly #parents: Uint32Array[] = [];
  readonly #depths: Uint16Array[] = [];
  #index = new Int32Array(1 << 12).fill(-1);
  #mask = (1 << 12) - 1;
  count = 0;

  /** Its number; that of a new one is the count before. `parent` and `depth` are those of a new one. */
  add(tuple: Uint32Array, parent: number, depth: number): number {
    const at = this.#find(tuple);
    if (this.#index[at] !== -1) return this.#index[at]!;
    if (this.count % CHUNK === 0) {
      this.#chunks.push(new Uint32Array(CHUNK * WIDTH));
      this.#parents.push(new Uint32Array(CHUNK));
      this.#depths.push(new Uint16Array(CHUNK));
    }
    const chunk = Math.floor(this.count / CHUNK);
    this.#chunks[chunk]!.set(tuple, (this.count % CHUNK) * WIDTH);
    this.#parents[chunk]![this.count % CHUNK] = parent;
    this.#depths[chunk]![this.count % CHUNK] = depth;
    this.#index[at] = this.count;
    this.count += 1;
    if (3 * this.count > 2 * this.#mask) this.#grow();
    return this.count - 1;
  }

  read(id: number, into: Uint32Array): void {
    const chunk = this.#chunks[Math.floor(id / CHUNK)]!;
    const at = (id % CHUNK) * WIDTH;
    for (let part = 0; part < WIDTH; part += 1) into[part] = chunk[at + part]!;
  }

  parent(id: number): number {
    return this.#parents[Math.floor(id / CHUNK)]![id % CHUNK]!;
  }

  depth(id: number): number {
    return this.#depths[Math.floor(id / CHUNK)]![id % CHUNK]!;
  }

  #find(tuple: Uint32Array): number {
    let at = hash(tuple) & this.#mask;
    for (let id = this.#index[at]!; id !== -1; id = this.#index[at]!) {
      const chunk = this.#chunks[Math.floor(id / CHUNK)]!;
      const from = (id % CHUNK) * WIDTH;
      let same = true;
      for (let part = 0; part < WIDTH && same; part += 1) same = chunk[from + part] === tuple[part];
      if (same) return at;
      at = (at + 1) & this.#mask;
    }
    return at;
  }

  #grow(): void {
    const size = 2 * (this.#mask + 1);
    this.#mask = size - 1;
    this.#index = new Int32Array(0);
    this.#index = new Int32Array(size).fill(-1);
    const tuple = new Uint32Array(WIDTH);
    for (let id = 0; id < this.count; id += 1) {
      this.read(id, tuple);
      let at = hash(tuple) & this.#mask;
      while (this.#index[at] !== -1) at = (at + 1) & this.#mask;
      this.#index[at] = id;
    }
  }
}

const hash = (tuple: Uint32Array): number =>
  mix(mix(mix(tuple[0]!, tuple[1]!), mix(tuple[2]!, tuple[3]!)), mix(tuple[4]!, tuple[5]!));
