import { view, type Role } from '@transship/node-agent/core';
import { deliver, takeReply, type Reply } from './agent-moves.ts';
import { Living } from './living.ts';
import { nextSequence } from './network.ts';
import { normalSide } from './normal.ts';
import { hears, operatorMoves } from './operator-moves.ts';
import { NETWORK, Parts, RECORD, SOURCE, TARGET, WIDTH } from './parts.ts';
import { recordMoves } from './record-moves.ts';
import { sideMoves } from './side-moves.ts';
import { staleNews, streamMoves } from './stream-moves.ts';
import { Interner, Memo, PairMemo } from './tables.ts';
import type { Variant } from './variant.ts';
import { unattended, type Fault, type Message, type Move } from './world.ts';

/** A move in numbers: the new number of each part that changes (-1: it does not). */
interface Step {
  readonly fault: boolean;
  /** Silence of the operator: no fault where nobody looks after the migration. */
  readonly silence: boolean;
  readonly record: number;
  readonly operator: number;
  readonly source: number;
  readonly target: number;
  readonly send: number;
}

const ROLES = ['source', 'target'] as const;
const AT: Readonly<Record<Role, number>> = { source: SOURCE, target: TARGET };
const INDEXES = [0, 1] as const;
const both = <T>(make: (index: 0 | 1) => T): readonly [T, T] => [make(0), make(1)];
const NOTHING = -1;

/**
 * The moves of `happenings`, found by the numbers of the parts that they read: what a part does is worked out once,
 * by the same functions, and every world that has it takes the result from a table.
 */
export class Successors {
  readonly parts = new Parts();
  readonly #living = new Living(this.parts);
  readonly #variant: Variant;
  readonly #prune: boolean;
  readonly #allowed: (fault: Fault) => boolean;
  readonly #next = new Uint32Array(WIDTH);
  readonly #lists: (readonly Step[])[] = [];
  readonly #skeletons = new Interner<Omit<Message, 'sequence'>>();
  readonly #replies = new Interner<Reply>();
  readonly #answers = new Interner<readonly [message: number, reply: number]>();
  readonly #deliveries = new Interner<readonly [side: number, answer: number]>();

  /** `prune`: leave out what cannot matter any more. */
  constructor(variant: Variant, allowed: (fault: Fault) => boolean, prune: boolean) {
    this.#prune = prune;
    this.#variant = variant;
    this.#allowed = allowed;
  }

  readonly #unattended = new Memo((id) => unattended(this.parts.records.at(id)));
  readonly #recordSteps = new Memo((id) => this.#list(recordMoves(this.parts.records.at(id))));
  readonly #operatorSteps = both(
    (index) =>
      new PairMemo((record, operator) =>
        this.#list(
          operatorMoves(
            this.parts.records.at(record),
            this.parts.operators.at(operator),
            index,
            this.#variant,
          ),
        ),
      ),
  );
  readonly #sideSteps = { source: this.#sideMemo('source'), target: this.#sideMemo('target') };
  readonly #streamSteps = new PairMemo((source, target) =>
    this.#list(streamMoves(this.parts.sides.at(source), this.parts.sides.at(target), this.#variant)),
  );
  readonly #mayStream = new Memo((id) => (this.parts.sides.at(id).agent?.live.streaming ?? 0) !== 0);
  /** The operator after it heard of a side; NOTHING when it does not listen. */
  readonly #heard = both((index) => ({
    source: this.#hearing(index, 'source'),
    target: this.#hearing(index, 'target'),
  }));
  readonly #waits = new PairMemo((id, sequence) => {
    const operator = this.parts.operators.at(id);
    const { waiting } = operator;
    return waiting === null ? id : this.parts.operator({ ...operator, waiting: { ...waiting, sequence } });
  });
  readonly #numbered = new PairMemo((id, sequence) =>
    this.parts.messages.id({ ...this.#skeletons.at(id), sequence }),
  );
  readonly #with = new PairMemo((network, message) =>
    this.parts.network([...this.parts.networks.at(network), this.parts.messages.at(message)]),
  );
  readonly #without = new PairMemo((network, message) => {
    const messages = this.parts.networks.at(network);
    const index = messages.findIndex((each) => this.parts.messages.id(each) === message);
    return this.parts.network(messages.toSpliced(index, 1));
  });
  readonly #messagesIn = new Memo((id) => [
    ...new Set(this.parts.networks.at(id).map((message) => this.parts.messages.id(message))),
  ]);
  readonly #delivered = new PairMemo((id, at) => {
    const { side, reply } = deliver(this.parts.messages.at(id), this.parts.sides.at(at), this.#variant);
    const answer = this.#answers.id([id, this.#replies.id(reply)]);
    return this.#deliveries.id([this.parts.side(side), answer]);
  });
  readonly #answered = new PairMemo((id, answer) => {
    const [message, reply] = this.#answers.at(answer);
    const operator = this.parts.operators.at(id);
    return this.parts.operator(takeReply(operator, this.parts.messages.at(message), this.#replies.at(reply)));
  });

  /**
   * Calls `emit` with every world after `tuple` (which it must copy): by a fault, or (`faults` false) by what happens
   * by itself. `last`: no fault can follow, so what only a fault could wake is left out.
   */
  each(tuple: Uint32Array, faults: boolean, last: boolean, emit: (next: Uint32Array) => void): void {
    const next = this.#next;
    const [record = 0, , , network = 0, source = 0, target = 0] = tuple;
    const done = (): void => {
      this.parts.mirror(next);
      if (this.#prune) this.#living.prune(next, last);
      this.parts.rename(next);
      emit(next);
    };
    const free = this.#unattended.get(record);
    const take = (list: number, index: 0 | 1): void => {
      for (const step of this.#lists[list] ?? []) {
        if ((step.fault && !(step.silence && free)) !== faults) continue;
        if (faults && step.silence && !this.#allowed('operatorLost')) continue;
        next.set(tuple);
        if (step.record >= 0) next[RECORD] = step.record;
        if (step.operator >= 0) next[1 + index] = step.operator;
        if (step.source >= 0) next[SOURCE] = step.source;
        if (step.target >= 0) next[TARGET] = step.target;
        if (step.send >= 0) this.#send(next, step.send, index);
        done();
      }
    };
    for (const index of INDEXES) take(this.#operatorSteps[index].get(record, tuple[1 + index] ?? 0), index);
    take(this.#recordSteps.get(record), 0);
    take(this.#sideSteps.source.get(source), 0);
    take(this.#sideSteps.target.get(target), 0);
    if (this.#mayStream.get(source) && this.parts.sides.at(target).agent !== null) {
      take(this.#streamSteps.get(source, target), 0);
    }
    if (faults ? this.#allowed('duplicate') : true) {
      for (const message of this.#messagesIn.get(network)) this.#deliver(tuple, message, faults, done);
    }
    if (!faults) this.#hear(tuple, done);
  }

  #deliver(tuple: Uint32Array, message: number, twice: boolean, done: () => void): void {
    const next = this.#next;
    const { role, operator } = this.parts.messages.at(message);
    const [side, answer] = this.#deliveries.at(this.#delivered.get(message, tuple[AT[role]] ?? 0));
    next.set(tuple);
    next[AT[role]] = side;
    next[1 + operator] = this.#answered.get(tuple[1 + operator] ?? 0, answer);
    if (!twice) next[NETWORK] = this.#without.get(tuple[NETWORK] ?? 0, message);
    done();
  }

  #hear(tuple: Uint32Array, done: () => void): void {
    if (this.parts.records.at(tuple[RECORD] ?? 0).vanished) return;
    for (const index of INDEXES) {
      for (const role of ROLES) {
        const heard = this.#heard[index][role].get(tuple[1 + index] ?? 0, tuple[AT[role]] ?? 0);
        if (heard === NOTHING) continue;
        this.#next.set(tuple);
        this.#next[1 + index] = heard;
        done();
      }
    }
  }

  /** Gives a message the next sequence, and has the operator wait for its answer. */
  #send(next: Uint32Array, skeleton: number, index: 0 | 1): void {
    const { role, fence } = this.#skeletons.at(skeleton);
    const messages = this.parts.networks.at(next[NETWORK] ?? 0);
    const sequence = nextSequence(role, fence, messages, this.parts.sides.at(next[AT[role]] ?? 0).agent);
    next[1 + index] = this.#waits.get(next[1 + index] ?? 0, sequence);
    next[NETWORK] = this.#with.get(next[NETWORK] ?? 0, this.#numbered.get(skeleton, sequence));
  }

  #sideMemo(role: Role): Memo<number> {
    return new Memo((id) => {
      const side = this.parts.sides.at(id);
      return this.#list([...sideMoves(role, side, this.#variant), ...staleNews(role, side, this.#variant)]);
    });
  }

  /** By what the agent shows, of which there is far less than of sides. */
  #hearing(index: 0 | 1, role: Role): { get: (operator: number, side: number) => number } {
    const examples: number[] = [];
    const views = new Interner<unknown>();
    const viewOf = new Memo((id) => {
      const { agent } = normalSide(this.parts.sides.at(id));
      const shown = views.id(agent === null ? null : view(agent));
      examples[shown] ??= id;
      return shown;
    });
    const memo = new PairMemo((id, shown) => {
      const side = this.parts.sides.at(examples[shown] ?? 0);
      const move = hears(this.parts.operators.at(id), index, role, side);
      const heard = move?.to.operator === undefined ? id : this.parts.operator(move.to.operator);
      return heard === id ? NOTHING : heard;
    });
    return { get: (operator, side) => memo.get(operator, viewOf.get(side)) };
  }

  #list(moves: readonly Move[]): number {
    const { parts } = this;
    const id = <T>(value: T | undefined, of: (value: T) => number): number =>
      value === undefined ? NOTHING : of(value);
    const isAllowed = ({ fault }: Move): boolean =>
      fault === null || fault === 'operatorLost' || this.#allowed(fault);
    const steps = moves.filter(isAllowed).map(({ fault, to, send }): Step => ({
      fault: fault !== null,
      silence: fault === 'operatorLost',
      record: id(to.record, (record) => parts.record(record)),
      operator: id(to.operator, (operator) => parts.operator(operator)),
      source: id(to.source, (side) => parts.side(side)),
      target: id(to.target, (side) => parts.side(side)),
      send: id(send, (message) => this.#skeletons.id(message)),
    }));
    return this.#lists.push(steps) - 1;
  }
}
