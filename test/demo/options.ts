import { Command, InvalidArgumentError } from 'commander';

/** What the demonstration is asked for. */
export interface DemoOptions {
  /** Devices of the set. */
  readonly devices: number;
  /** Of each device, as the emulator writes it: `256M` are 256 MiB. */
  readonly memory: string;
  /** Leave the folder with logs, certificates and journals behind. */
  readonly keep: boolean;
  /** Through a real kube-apiserver instead of a folder of manifests. */
  readonly kubernetes: boolean;
}

/** The example names four; a set of one has no peers, and the API takes sixteen at most. */
const DEVICES = { least: 2, most: 16, usual: 4 } as const;
const MEMORY = /^[1-9][0-9]{0,4}[KMG]$/;

function devices(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= DEVICES.least && count <= DEVICES.most) return count;
  throw new InvalidArgumentError(`write a whole number from ${DEVICES.least} to ${DEVICES.most}`);
}

function memory(text: string): string {
  if (MEMORY.test(text)) return text;
  throw new InvalidArgumentError('write a size such as 256M or 1G');
}

/** Reads the command line; a usage error and --help end the process with commander's sentence. */
export function readOptions(argv: readonly string[]): DemoOptions {
  return new Command('npm run demo --')
    .description('Moves a set of busy peer-to-peer devices from node gpu-a to node gpu-b, and proves it.')
    .option('--devices <count>', 'devices of the set', devices, DEVICES.usual)
    .option('--memory <size>', 'state of each device', memory, '256M')
    .option('--kubernetes', 'through a real kube-apiserver, built from source when the cache lacks it', false)
    .option('--keep', 'leave the folder with logs and journals behind', false)
    .allowExcessArguments(false)
    .parse([...argv], { from: 'user' })
    .opts<DemoOptions>();
}

const UNITS: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** Bytes of a size as {@link readOptions} lets it through. */
export const bytesOf = (size: string): number =>
  Number.parseInt(size, 10) * (UNITS[size.slice(-1)] ?? Number.NaN);
