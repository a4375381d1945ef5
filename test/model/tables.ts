/**
 * Gives equal values equal numbers. Values are compared by their text; two that differ in the order of their properties
 * would be two, which costs time and hides nothing.
 */
export class Interner<T> {
  readonly #ids = new Map<string, number>();
  readonly values: T[] = [];

  id(value: T): number {
    const text = JSON.stringify(value);
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    this.#ids.set(text, this.values.length);
    return this.values.push(value) - 1;
  }

  at(id: number): T {
    const value = this.values[id];
    if (value === undefined) throw new RangeError(`nothing has number ${id}`);
    return value;
  }
}

const EMPTY = 0xffffffff;

export const mix = (a: number, b: number): number => {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return (h ^ (h >>> 15)) >>> 0;
};

/** What a function of two numbers came to, in flat memory: a Map would end at 16 million entries. */
export class PairMemo {
  #mask = (1 << 12) - 1;
  #keys = new Uint32Array(2 << 12).fill(EMPTY);
  #values = new Int32Array(1 << 12);
  #size = 0;
  readonly #make: (a: number, b: number) => number;

  constructor(make: (a: number, b: number) => number) {
    this.#make = make;
  }

  get(a: number, b: number): number {
    let at = mix(a, b) & this.#mask;
    for (;;) {
      const key = this.#keys[2 * at];
      if (key === a && this.#keys[2 * at + 1] === b) return this.#values[at]!;
      if (key === EMPTY) break;
      at = (at + 1) & this.#mask;
    }
    // Making it may come back here for another pair.
    const value = this.#make(a, b);
    this.#put(a, b, value);
    return value;
  }

  #put(a: number, b: number, value: number): void {
    if (4 * (this.#size + 1) > 3 * (this.#mask + 1)) this.#grow();
    let at = mix(a, b) & this.#mask;
    while (this.#keys[2 * at] !== EMPTY) at = (at + 1) & this.#mask;
    this.#keys[2 * at] = a;
    this.#keys[2 * at + 1] = b;
    this.#values[at] = value;
    this.#size += 1;
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values];
    this.#mask = 2 * this.#mask + 1;
    this.#keys = new Uint32Array(2 * (this.#mask + 1)).fill(EMPTY);
    this.#values = new Int32Array(this.#mask + 1);
    this.#size = 0;
    values.forEach((value, at) => {
      const a = keys[2 * at]!;
      if (a !== EMPTY) this.#put(a, keys[2 * at + 1]!, value);
    });
  }
}

/** What a function of one number came to. */
export class Memo<T> {
  readonly #values: (T | undefined)[] = [];
  readonly #make: (id: number) => T;

  constructor(make: (id: number) => T) {
    this.#make = make;
  }

  get(id: number): T {
    const known = this.#values[id];
    if (known !== undefined) return known;
    const made = this.#make(id);
    this.#values[id] = made;
    return made;
  }
}
