import { Command, InvalidArgumentError, Option } from 'commander';

/** Emulated devices and no broker; devices of a real kernel behind brokers, in two guests. */
export const PARTS = ['emulated', 'guests'] as const;

export type Part = (typeof PARTS)[number];

export interface SoakOptions {
  readonly minutes: number;
  /** Draws steps and faults; the same seed draws the same ones. */
  readonly seed: number;
  /** Absent: both parts, side by side. */
  readonly only?: Part;
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
    .addOption(new Option('--only <part>', 'one part; default: both, side by side').choices(PARTS))
    .allowExcessArguments(false)
    .parse([...argv], { from: 'user' })
    .opts<SoakOptions>();
}
