import { bindsDevices } from '@transship/node-agent/core';
import { shown, violated, type Outcome, type Shown } from './invariants.ts';
import { decision } from './operator-moves.ts';
import { RECORD, SOURCE, TARGET, WIDTH, type Parts } from './parts.ts';
import type { States } from './states.ts';
import { Interner, Memo, PairMemo } from './tables.ts';
import type { Variant } from './variant.ts';
import type { Ways } from './ways.ts';
import { isGone, type Side } from './world.ts';

/** Judges worlds by their numbers: the invariants of each, and whether everything comes to an end. */
export class Judge {
  readonly ends: Record<string, number> = {};
  readonly #parts: Parts;
  readonly #variant: Variant;
  readonly #shown = new Interner<Shown>();
  readonly #outcomes = new Interner<Outcome>();
  readonly #verdicts = new Interner<string | null>();
  readonly #pairs = new Interner<readonly [number, number]>();
  readonly #pair = new PairMemo((a, b) => this.#pairs.id([a, b]));
  readonly #shownOf = new Memo((id) => this.#shown.id(shown(this.#parts.sides.at(id))));
  readonly #outcomeOf = new Memo((id) => {
    const { ended, outcome } = this.#parts.records.at(id);
    return this.#outcomes.id(ended ? outcome : null);
  });
  readonly #verdict = new PairMemo((sides, outcome) => {
    const [source, target] = this.#pairs.at(sides);
    return this.#verdicts.id(
      violated(this.#shown.at(source), this.#shown.at(target), this.#outcomes.at(outcome)),
    );
  });
  readonly #rests = new Memo((id) => restsOf(this.#parts.sides.at(id)));
  readonly #stalls = [0, 1].map(
    () =>
      new PairMemo((record, operator) => {
        const action = decision(
          this.#parts.records.at(record),
          this.#parts.operators.at(operator),
          this.#variant,
        );
        return this.#verdicts.id(action?.kind === 'stall' ? action.failure.code : null);
      }),
  );

  constructor(parts: Parts, variant: Variant) {
    this.#parts = parts;
    this.#variant = variant;
  }

  /** The invariant that this world breaks, or null. */
  violated(tuple: Uint32Array): string | null {
    const sides = this.#pair.get(
      this.#shownOf.get(tuple[SOURCE] ?? 0),
      this.#shownOf.get(tuple[TARGET] ?? 0),
    );
    return this.#verdicts.at(this.#verdict.get(sides, this.#outcomeOf.get(tuple[RECORD] ?? 0)));
  }

  /**
   * 2, in time: from every world there is a way to an end on which no further fault happens, or to where a person is
   * called for a loss that only a person can judge. Backwards over all worlds until nothing is added; returns the one
   * with the fewest faults and steps from which there is none.
   *
   * That every run takes such a way assumes that it is fair: what could happen again and again happens at last. So a
   * device that is silent answers one day, a call returns, an operator that may lead does, and time passes. It finds
   * every dead end and every circle without a way out; of a circle that has one it does not say how often it is run.
   */
  stuck(states: States, ways: Ways, progress?: (line: string) => void): { what: string; id: number } | null {
    const good = new Uint8Array(states.count);
    const tuple = new Uint32Array(WIDTH);
    let open = 0;
    for (let id = 0; id < states.count; id += 1) {
      states.read(id, tuple);
      const how = this.#endOf(tuple);
      if (how === null) open += 1;
      else {
        good[id] = 1;
        this.ends[how] = (this.ends[how] ?? 0) + 1;
      }
    }
    for (let before = -1; open !== before;) {
      before = open;
      for (let id = states.count - 1; id >= 0; id -= 1) {
        if (good[id] === 1 || !ways.some(id, (to) => good[to] === 1)) continue;
        good[id] = 1;
        open -= 1;
      }
      progress?.(`liveness: ${open} states left`);
    }
    if (open === 0) return null;
    const what = '2: no way leads to an end, though no further fault happens';
    // Where everything has come to rest says most; a circle is told from where it begins.
    for (let id = good.indexOf(0); id !== -1; id = good.indexOf(0, id + 1))
      if (!ways.some(id, (to) => to !== id)) return { what, id };
    return { what, id: good.indexOf(0) };
  }

  /** How it has come to an end; null: it has not. */
  #endOf(tuple: Uint32Array): string | null {
    const record = this.#parts.records.at(tuple[RECORD] ?? 0);
    const source = this.#rests.get(tuple[SOURCE] ?? 0);
    const target = this.#rests.get(tuple[TARGET] ?? 0);
    if (record.vanished || (isGone(record) && !record.ended))
      return source !== 'busy' && target !== 'busy' ? 'vanished' : null;
    if (record.ended) {
      if (record.finalizerPresent) return null;
      const { phase = '', code = null } = record.outcome ?? {};
      // What is kept after the end is kept for a person: the one side that may still hold the state.
      const held = source === 'held' || target === 'held';
      if (source === 'busy' || target === 'busy' || (held && code !== 'TargetLost')) return null;
      return code === null ? phase : `${phase}/${code}`;
    }
    const code = this.#verdicts.at(
      this.#stalls[record.lease]!.get(tuple[RECORD] ?? 0, tuple[1 + record.lease] ?? 0),
    );
    if (code === null) return null;
    // A person is called only where something was lost that the protocol cannot make good.
    const sides = [this.#parts.sides.at(tuple[SOURCE] ?? 0), this.#parts.sides.at(tuple[TARGET] ?? 0)];
    const isOwed = record.restored || sides.some((side) => side.journalLost);
    return isOwed ? `stalled/${code}` : null;
  }
}

type Rest = 'free' | 'held' | 'busy';

/** free: no device is held. held: by a promise or an order that only a record, or a person, can take back. */
function restsOf({ agent }: Side): Rest {
  if (agent === null || !bindsDevices(agent.session.phase)) return 'free';
  const moving = agent.live.devices.some((device) => device.op !== null) || agent.live.workloadOp !== null;
  if (moving) return 'busy';
  const kept = ['Stopping', 'Stopped', 'Verified', 'Activating', 'Starting'].includes(agent.session.phase);
  return kept || agent.live.halted ? 'held' : 'busy';
}
