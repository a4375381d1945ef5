import { Command, InvalidArgumentError } from 'commander';

export interface SoakOptions {
  readonly minutes: number;
  /** Draws steps and faults; the same seed draws the same ones. */
  readonly seed: number;
}

const LONGEST_MINUTES = 7 * 24 * 60;

const number =
  (least: number, most: number, isWhole: boolean) =>
  (text: string): number => {
    const value = Number(text);
    if (value >= least && value <= most && (!isWhole || Number.isInteger(value))) return value;
    throw new InvalidArgumentError(`write a number from ${least} to ${most}`);
  };

/** Reads the command line; a usage error and --help end the process with commander's sentence. */
export function readOptions(argv: readonly string[], anySeed: number): SoakOptions {
  return new Command('npm run test:soak --')
    .description('Moves a set back and forth under random faults, and looks for leaks and losses.')
    .option('--minutes <n>', 'how long', number(1, LONGEST_MINUTES, false), 10)
    .option('--seed <n>', 'of the faults', number(0, 2 ** 32 - 1, true), anySeed)
    .allowExcessArguments(false)
    .parse([...argv], { from: 'user' })
    .opts<SoakOptions>();
}
