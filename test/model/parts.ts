import { mirroredMessage, mirroredOperator, mirroredSide } from './mirror.ts';
import { normalOperator, normalRecord, normalSide } from './normal.ts';
import { sorted } from './network.ts';
import {
  NO_NUMBERS,
  numbersOfMessages,
  numbersOfOperator,
  numbersOfRecord,
  numbersOfSide,
  renamedMessage,
  renamedOperator,
  renamedRecord,
  renamedSide,
  renamingOf,
  united,
  type Numbers,
  type Renaming,
} from './numbers.ts';
import { Interner, Memo, PairMemo } from './tables.ts';
import type { Message, Operator, Record_, Side, World } from './world.ts';

/** Six numbers are a world: record, both operators, network, source, target. */
export const RECORD = 0;
export const OPERATORS = [1, 2] as const;
export const NETWORK = 3;
export const SOURCE = 4;
export const TARGET = 5;
export const WIDTH = 6;

/** The parts of all worlds that were met, each once and in its normal form; and worlds as tuples of their numbers. */
export class Parts {
  readonly records = new Interner<Record_>();
  readonly operators = new Interner<Operator>();
  readonly messages = new Interner<Message>();
  readonly networks = new Interner<readonly Message[]>();
  readonly sides = new Interner<Side>();
  readonly #numbers = new Interner<Numbers>();
  readonly #united = new PairMemo((a, b) =>
    this.#numbers.id(united(this.#numbers.at(a), this.#numbers.at(b))),
  );
  readonly #renaming = new Memo((numbers) => renamingOf(this.#numbers.at(numbers)));
  readonly #of = {
    record: new Memo((id) => this.#numbers.id(numbersOfRecord(this.records.at(id)))),
    operator: new Memo((id) => this.#numbers.id(numbersOfOperator(this.operators.at(id)))),
    network: new Memo((id) => this.#numbers.id(numbersOfMessages(this.networks.at(id)))),
    side: new Memo((id) => this.#numbers.id(numbersOfSide(this.sides.at(id)))),
  };
  /** A part under new numbers, by the numbers of all parts that ask for them. */
  readonly #renamed = {
    record: this.#renames((id, to) => this.record(renamedRecord(this.records.at(id), to))),
    operator: this.#renames((id, to) => this.operator(renamedOperator(this.operators.at(id), to))),
    network: this.#renames((id, to) =>
      this.network(this.networks.at(id).map((each) => renamedMessage(each, to))),
    ),
    side: this.#renames((id, to) => this.side(renamedSide(this.sides.at(id), to))),
  };

  /** A part with the two operators exchanged. */
  readonly #mirrored = {
    record: new Memo((id) => this.record({ ...this.records.at(id), lease: 0 })),
    operator: new Memo((id) => this.operator(mirroredOperator(this.operators.at(id)))),
    network: new Memo((id) => this.network(this.networks.at(id).map(mirroredMessage))),
    side: new Memo((id) => this.side(mirroredSide(this.sides.at(id)))),
  };

  constructor() {
    this.#numbers.id(NO_NUMBERS);
  }

  record(record: Record_): number {
    return this.records.id(normalRecord(record));
  }

  operator(operator: Operator): number {
    return this.operators.id(normalOperator(operator));
  }

  side(side: Side): number {
    return this.sides.id(normalSide(side));
  }

  network(messages: readonly Message[]): number {
    return this.networks.id(sorted(messages));
  }

  tuple(world: World): Uint32Array {
    const { record, operators, network, source, target } = world;
    return Uint32Array.of(
      this.record(record),
      this.operator(operators[0]),
      this.operator(operators[1]),
      this.network(network),
      this.side(source),
      this.side(target),
    );
  }

  world(tuple: Uint32Array): World {
    return {
      record: this.records.at(tuple[RECORD]!),
      operators: [this.operators.at(tuple[1]!), this.operators.at(tuple[2]!)],
      network: this.networks.at(tuple[NETWORK]!),
      source: this.sides.at(tuple[SOURCE]!),
      target: this.sides.at(tuple[TARGET]!),
    };
  }

  /** Calls the operator that holds the Lease operator 0, in place: no rule tells the two apart. */
  mirror(tuple: Uint32Array): void {
    if (this.records.at(tuple[RECORD]!).lease === 0) return;
    const to = this.#mirrored;
    const [first, second] = [tuple[1]!, tuple[2]!];
    tuple[RECORD] = to.record.get(tuple[RECORD]!);
    tuple[1] = to.operator.get(second);
    tuple[2] = to.operator.get(first);
    tuple[NETWORK] = to.network.get(tuple[NETWORK]!);
    tuple[SOURCE] = to.side.get(tuple[SOURCE]!);
    tuple[TARGET] = to.side.get(tuple[TARGET]!);
  }

  /** Draws the numbers of a world together, in place. */
  rename(tuple: Uint32Array): void {
    const of = this.#of;
    const join = this.#united;
    const operators = join.get(of.operator.get(tuple[1]!), of.operator.get(tuple[2]!));
    const rest = join.get(of.record.get(tuple[RECORD]!), of.network.get(tuple[NETWORK]!));
    const sides = join.get(of.side.get(tuple[SOURCE]!), of.side.get(tuple[TARGET]!));
    const all = join.get(join.get(operators, sides), rest);
    if (this.#renaming.get(all) === null) return;
    const to = this.#renamed;
    tuple[RECORD] = to.record.get(tuple[RECORD]!, all);
    for (const at of OPERATORS) tuple[at] = to.operator.get(tuple[at]!, all);
    tuple[NETWORK] = to.network.get(tuple[NETWORK]!, all);
    tuple[SOURCE] = to.side.get(tuple[SOURCE]!, all);
    tuple[TARGET] = to.side.get(tuple[TARGET]!, all);
  }

  #renames(make: (id: number, to: Renaming) => number): PairMemo {
    return new PairMemo((id, numbers) => {
      const to = this.#renaming.get(numbers);
      return to === null ? id : make(id, to);
    });
  }
}
