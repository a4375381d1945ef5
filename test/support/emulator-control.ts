import { askEmulator } from '@transship/node-agent/internal/workload/emulator-control';

export interface EmulatedDevice {
  readonly index: number;
  readonly slot: number;
  /** Of its workload, as on its links. */
  readonly set: string;
  readonly state: string;
  readonly armed: boolean;
  readonly memoryBytes: number;
  readonly resets: number;
  /** How often a fault has struck since the emulator started. */
  readonly faultsUsed: number;
  readonly segmentsSaved: number;
  readonly segmentsLoaded: number;
  readonly submissionGaps: number;
  readonly inFlight: number;
}

export interface EmulatedLink {
  readonly from: number;
  readonly to: number;
  readonly set: string;
  readonly sent: number;
  readonly received: number;
  readonly lost: number;
  readonly gaps: number;
  readonly doubles: number;
  readonly inFlight: number;
  readonly sentHere: number;
  readonly receivedHere: number;
  readonly lostHere: number;
  /** Under way on it when its sender was last quiesced. */
  readonly inFlightAtQuiesce: number;
}

export interface EmulatedWorkload {
  readonly phase: 'Empty' | 'Loaded' | 'Live' | 'Ended';
  readonly frozen: boolean;
  /** It came from another node. */
  readonly loaded: boolean;
  /** As in its devices and links. */
  readonly set: string;
  readonly submissions: readonly number[];
  readonly refused: number;
  /** How often it was told to stand still, and to run, since the emulator started. */
  readonly freezes: number;
  readonly thaws: number;
  readonly cookie: string;
}

export interface Violation {
  readonly device: number;
  readonly item: string;
  readonly what: string;
}

export interface Digest {
  readonly digest: string;
  readonly memory: string;
}

type Arguments = Readonly<Record<string, string | number>>;

/** The control socket of an emulator: what the harness asks it and does to its devices. Rejects when it refuses. */
export interface EmulatorControl {
  ask(verb: string, args?: Arguments): Promise<Readonly<Record<string, unknown>>>;
  devices(): Promise<readonly EmulatedDevice[]>;
  /** Of a stopped device: everything that must be equal on both sides, and its memory alone. */
  digest(device: number): Promise<Digest>;
  /** The same of the last moment at which it stopped or took what it had loaded; needs `--keep-digests`. */
  keptDigest(device: number): Promise<Digest>;
  links(): Promise<readonly EmulatedLink[]>;
  workload(group?: number): Promise<EmulatedWorkload>;
  violations(): Promise<readonly Violation[]>;
  fault(device: number, kind: string, args?: Arguments): Promise<void>;
  clear(device: number): Promise<void>;
  /** RESET behind the back of whoever uses the device. */
  deviceReset(device: number): Promise<void>;
}

const DEADLINE_MS = 60_000;

export function emulatorControl(socketPath: string): EmulatorControl {
  const ask: EmulatorControl['ask'] = (verb, args = {}) => {
    const pairs = Object.entries(args).map(([key, value]) => `${key}=${value}`);
    return askEmulator(socketPath, [verb, ...pairs].join(' '), DEADLINE_MS);
  };
  const field = async <T>(verb: string, name: string, args?: Arguments): Promise<T> =>
    (await ask(verb, args))[name] as T;
  const digestOf = async (args: Arguments): Promise<Digest> => {
    const { digest, memory } = await ask('digest', args);
    return { digest: String(digest), memory: String(memory) };
  };
  return {
    ask,
    devices: () => field('info', 'devices'),
    digest: (device) => digestOf({ device }),
    keptDigest: (device) => digestOf({ device, kept: 1 }),
    links: () => field('links', 'links'),
    workload: async (group = 0) => (await ask('workload', { group })) as unknown as EmulatedWorkload,
    violations: () => field('violations', 'violations'),
    fault: async (device, kind, args) => {
      await ask('fault', { device, kind, ...args });
    },
    clear: async (device) => {
      await ask('clear', { device });
    },
    deviceReset: async (device) => {
      await ask('deviceReset', { device });
    },
  };
}
