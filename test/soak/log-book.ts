import type { Random } from '../faults/random.ts';
import { CALM, type SoakFault } from './fault.ts';
import { isTooSilent } from './ending.ts';
import { voyage, type Voyage, type VoyageChecks, type VoyageResult, type VoyageRig } from './voyage.ts';

/** The voyages of a run, one after the other, and what was wrong with them. */
export class LogBook<Node, Rig extends VoyageRig<Node>> {
  readonly #rig: Rig;
  readonly #checks: VoyageChecks<Node>;
  readonly #random: Random;
  readonly #drawStrategy: (random: Random) => Voyage<Rig>['strategy'];
  /** Voyages whose fault struck, by fault. */
  readonly struck = new Map<string, number>();
  readonly wrong: string[] = [];
  #voyages = 0;
  #silent = 0;

  constructor(
    rig: Rig,
    checks: VoyageChecks<Node>,
    random: Random,
    drawStrategy: (random: Random) => Voyage<Rig>['strategy'],
  ) {
    this.#rig = rig;
    this.#checks = checks;
    this.#random = random;
    this.#drawStrategy = drawStrategy;
  }

  get voyages(): number {
    return this.#voyages;
  }

  /** Voyages that were given up since something was silent for too long. */
  get silent(): number {
    return this.#silent;
  }

  /** Nothing was wrong so far; nobody sails on otherwise. */
  get isClean(): boolean {
    return this.wrong.length === 0;
  }

  /** A voyage under a fault that chance draws; what was drawn, and what it came to. */
  async faulty(draw: (random: Random) => SoakFault<Rig>): Promise<VoyageResult & { readonly fault: string }> {
    const fault = draw(this.#random);
    const result = await this.#sail('soak', fault);
    if (result.struck) this.struck.set(fault.name, (this.struck.get(fault.name) ?? 0) + 1);
    return { ...result, fault: fault.name };
  }

  /**
   * Voyages without a fault: at least so many that succeed, and more until `isThere`. On a slow machine one may be given
   * up in silence; then nothing may be lost either, and it is made again.
   */
  async calm(atLeast: number, isThere: () => boolean = () => true): Promise<void> {
    for (let sailed = 0; this.isClean && (sailed < atLeast || !isThere());) {
      const { isSilent } = await this.#sail('calm', CALM);
      if (!isSilent) sailed += 1;
    }
  }

  async #sail(kind: string, fault: SoakFault<Rig>): Promise<VoyageResult> {
    this.#voyages += 1;
    const strategy = this.#drawStrategy(this.#random);
    const name = `${kind}-${this.#voyages}`;
    const result = await voyage(this.#rig, this.#checks, { name, fault, strategy });
    this.wrong.push(...result.wrong);
    if (result.isSilent) this.#silent += 1;
    if (isTooSilent(this.#silent, this.#voyages))
      this.wrong.push(
        `${this.#silent} of ${this.#voyages} voyages were given up, the last one as ${result.phase}`,
      );
    return result;
  }
}

/** One line of progress. */
export const progressLine = (
  atMs: number,
  { fault, struck, phase }: VoyageResult & { readonly fault: string },
): string =>
  `${(atMs / 1000).toFixed(0)} s: ${fault}${struck || fault === CALM.name ? '' : ' (met nothing)'}: ${phase}`;
