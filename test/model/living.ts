import { isTombstone } from '@transship/node-agent/core';
import { freshMemory } from '@transship/operator/core';
import { alive } from './network.ts';
import { holds } from './record-moves.ts';
import { NETWORK, RECORD, SOURCE, TARGET, type Parts } from './parts.ts';
import { Interner, Memo, PairMemo } from './tables.ts';
import { initialWorld, unattended, type Operator, type Record_ } from './world.ts';

type Accepted = Parameters<typeof alive>[1]['source'];
type Awaited = Pick<Operator, 'instance' | 'waiting'>;

const YIELDED = { memory: freshMemory, waiting: null, refused: null } as const;

/** A record that nobody looks after any more: how it ended is all that is asked of it. */
const left = (record: Record_): Record_ => ({
  ...initialWorld().record,
  ended: record.ended,
  outcome: record.ended ? record.outcome : null,
  vanished: record.vanished || !record.ended,
  finalizerPresent: false,
});

/**
 * What can still matter. Left out are commands that their agent would answer without acting, nobody waiting for the
 * answer: for good, since one that is older stays so, and a journal that is lost begins a session of another ticket. Only
 * an `attach` could begin that one, so it stays as long as the journal may be lost. Once the last fault has happened, it
 * goes too, and so do writes that no longer apply and a deadline that cannot pass any more.
 */
export class Living {
  readonly #parts: Parts;
  readonly #accepted = new Interner<Accepted>();
  readonly #awaited = new Interner<Awaited>();
  readonly #pairs = new Interner<readonly [number, number]>();
  readonly #pair = new PairMemo((a, b) => this.#pairs.id([a, b]));
  readonly #ofSide = new Memo((id) => {
    const { agent, journalLost } = this.#parts.sides.at(id);
    const accepted = agent === null ? null : { fence: agent.session.fence, sequence: agent.session.sequence };
    return this.#accepted.id({ accepted, journalLost });
  });
  readonly #ofOperator = new Memo((id) => {
    const { instance, waiting } = this.#parts.operators.at(id);
    return this.#awaited.id({ instance, waiting });
  });
  readonly #network = {
    ended: new PairMemo((network, bystanders) => this.#alive(network, bystanders, true)),
    going: new PairMemo((network, bystanders) => this.#alive(network, bystanders, false)),
  };
  readonly #unattended = new Memo((id) => unattended(this.#parts.records.at(id)));
  readonly #left = new Memo((id) => this.#parts.record(left(this.#parts.records.at(id))));
  readonly #record = new Memo((id) => {
    const record = this.#parts.records.at(id);
    const writes = record.writes.filter((write) => holds(record, write));
    return writes.length === record.writes.length ? id : this.#parts.record({ ...record, writes });
  });
  readonly #side = new Memo((id) => {
    const side = this.#parts.sides.at(id);
    const { agent, quiesceArmed, devices } = side;
    // A session that has ended binds nothing again, so who else does is of no interest.
    const ended = agent !== null && isTombstone(agent.session.phase);
    const others = ended && devices.some(({ other }) => other);
    if (!quiesceArmed && !others) return id;
    const free = others ? devices.map((device) => ({ ...device, other: false })) : devices;
    return this.#parts.side({ ...side, quiesceArmed: false, devices: free });
  });

  readonly #ended = this.#fencedOff(() => true);
  readonly #going = this.#fencedOff(({ superseded }) => superseded);

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Leaves out of a world, in place, what cannot matter any more. `last`: no fault can follow. */
  prune(tuple: Uint32Array, last: boolean): void {
    if (this.#unattended.get(tuple[RECORD]!)) {
      tuple[RECORD] = this.#left.get(tuple[RECORD]!);
      for (const index of [0, 1] as const)
        tuple[1 + index] = this.#parts.operator({ ...YIELDED, leader: index === 0, instance: index });
    } else {
      if (last) tuple[RECORD] = this.#record.get(tuple[RECORD]!);
      const led = last ? this.#ended : this.#going;
      for (const index of [0, 1] as const)
        tuple[1 + index] = led[index].get(tuple[RECORD]!, tuple[1 + index]!);
    }
    if (last) {
      tuple[SOURCE] = this.#side.get(tuple[SOURCE]!);
      tuple[TARGET] = this.#side.get(tuple[TARGET]!);
    }
    if (this.#parts.networks.at(tuple[NETWORK]!).length === 0) return;
    const sides = this.#pair.get(this.#ofSide.get(tuple[SOURCE]!), this.#ofSide.get(tuple[TARGET]!));
    const operators = this.#pair.get(this.#ofOperator.get(tuple[1]!), this.#ofOperator.get(tuple[2]!));
    tuple[NETWORK] = (last ? this.#network.ended : this.#network.going).get(
      tuple[NETWORK]!,
      this.#pair.get(sides, operators),
    );
  }

  /** An operator that another one has fenced off can do nothing but find out, or has found out already. */
  #fencedOff(isOver: (memory: Operator['memory']) => boolean): readonly [PairMemo, PairMemo] {
    const of = (index: 0 | 1): PairMemo =>
      new PairMemo((recordId, id) => {
        const { fence, lease } = this.#parts.records.at(recordId);
        const operator = this.#parts.operators.at(id);
        const { held } = operator.memory;
        if (held === null || held >= fence || !isOver(operator.memory)) return id;
        return this.#parts.operator({ ...operator, ...YIELDED, leader: lease === index });
      });
    return [of(0), of(1)];
  }

  #alive(network: number, bystanders: number, last: boolean): number {
    const [sides, operators] = this.#pairs.at(bystanders);
    const [source, target] = this.#pairs.at(sides);
    const [first, second] = this.#pairs.at(operators);
    const waiting = [this.#awaited.at(first), this.#awaited.at(second)] as unknown as [Operator, Operator];
    const messages = this.#parts.networks.at(network);
    const agents = { source: this.#accepted.at(source), target: this.#accepted.at(target) };
    return this.#parts.network(alive(messages, agents, waiting, last));
  }
}
