import { parseDuration } from '@transship/crds';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { addDoorOptions, type DoorFlags } from '../options.ts';
import type { MigrationKey } from '../reconcile/ports.ts';
import type { Request } from '../recover/plan/request.ts';

/** The command line asks for something that does not go together. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

interface Flags extends DoorFlags {
  readonly source?: true;
  readonly discard?: true;
  readonly run?: true;
  readonly orphan?: string;
  readonly device?: string;
  readonly node?: string;
  readonly targetIsDead?: string;
  readonly sourceIsDead?: string;
  readonly namespace?: string;
  readonly yes?: true;
  readonly output: 'text' | 'json';
  readonly timeout: number;
}

/** One checked object. */
export interface RecoverConfig {
  readonly request: Request;
  readonly key: MigrationKey | null;
  readonly yes: boolean;
  readonly json: boolean;
  /** The whole run, milliseconds. */
  readonly timeoutMs: number;
  readonly flags: DoorFlags;
}

/** Bounds of a proof in words: it is kept in status.decision.reason or status.sourceDead. */
const PROOF_MIN = 10;
const PROOF_MAX = 900;
const TIMEOUT_MAX_MS = 3_600_000;

const MORE = `
Exit codes: 0 done, 1 failed (run it again), 2 usage, 3 would act (--yes was not given), 4 refused as unsafe.

Examples:
  transship recover ml/trainer-0 --source --target-is-dead "gpu-b was unplugged at 14:02, checked on site"
  transship recover ml/trainer-0 --source-is-dead "gpu-a burnt down, it is never coming back"
  transship recover ml/trainer-0 --discard --yes
  transship recover --orphan 3f0c7a54-7d5e-4d39-9f07-0f6a4c3f6c11 --node gpu-a --run
  transship recover --device gpu-b/0 --node gpu-b --yes
`;

/** Flags of \`transship recover`. */
export function addRecoverOptions(command: Command): Command {
  command
    .description('Ends what only a person can end: says what it found and would do, and does it with --yes.')
    .argument('[migration]', 'NAMESPACE/NAME, or NAME with --namespace')
    .option('--source', 'let the set of a migration whose target was lost run at its source again')
    .option('--discard', 'give the state up: end the workload, reset the devices, free them')
    .option('--run', 'let the set of --orphan run on --node')
    .option('--orphan <uid>', 'a set that is held for an object that is gone or behind the journals')
    .option('--device <id>', 'end the quarantine of a device')
    .option('--node <node>', 'node of --orphan or --device')
    .option('--target-is-dead <proof>', 'how you know that the set does not run at the target')
    .option('--source-is-dead <proof>', 'how you know that the source of a committed set is gone for good')
    .option('-n, --namespace <namespace>', 'of the migration; default with Kubernetes: default')
    .option('--yes', 'do it')
    .addOption(
      new Option('-o, --output <format>', 'of what it says').choices(['text', 'json']).default('text'),
    )
    .addOption(
      new Option('--timeout <duration>', 'of the whole run').argParser(duration).default(600_000, '10m'),
    );
  return addDoorOptions(command).addHelpText('after', MORE).allowExcessArguments(false);
}

function duration(text: string): number {
  let ms = 0;
  try {
    ms = parseDuration(text);
  } catch {
    throw new InvalidArgumentError('write a duration such as 90s or 10m');
  }
  if (ms < 1_000 || ms > TIMEOUT_MAX_MS) throw new InvalidArgumentError('must be 1s to 1h');
  return ms;
}

/** Checks what commander has read. @throws UsageError */
export function recoverConfig(migration: string | undefined, flags: Flags): RecoverConfig {
  const door = flags.manifests === undefined ? 'kubernetes' : 'folder';
  if (door === 'folder' && flags.kubeconfig !== undefined)
    throw new UsageError('--manifests works without Kubernetes; leave --kubeconfig out');
  if (door === 'folder' && flags.agent.size === 0)
    throw new UsageError('--manifests needs an --agent for every node; there is no inventory');
  return {
    request: requestOf(migration, flags, door),
    key: migration === undefined ? null : keyOf(migration, flags.namespace, door),
    yes: flags.yes === true,
    json: flags.output === 'json',
    timeoutMs: flags.timeout,
    flags,
  };
}

function requestOf(migration: string | undefined, flags: Flags, door: 'folder' | 'kubernetes'): Request {
  const { source, discard, run, orphan, device, node } = flags;
  const asked = [source, discard, run].filter((one) => one === true).length;
  const named = [migration, orphan, device].filter((one) => one !== undefined).length;
  if (named !== 1) throw new UsageError('name one of: a migration, --orphan UID, --device ID');
  const proof = proofOf('--target-is-dead', flags.targetIsDead);
  const sourceProof = proofOf('--source-is-dead', flags.sourceIsDead);
  if (device !== undefined) {
    if (asked > 0 || proof !== null || sourceProof !== null)
      throw new UsageError('--device goes with --node alone');
    return { kind: 'device', device, node: needed(node, '--device') };
  }
  if (orphan !== undefined) {
    if (!z.uuid().safeParse(orphan).success)
      throw new UsageError('--orphan takes the UID of the migration, as `uid` in the logs of the agents');
    if (asked !== 1 || source === true) throw new UsageError('--orphan needs either --run or --discard');
    const end = run === true ? 'run' : 'discard';
    if (sourceProof !== null && (end !== 'run' || proof !== null))
      throw new UsageError('--source-is-dead goes with --run, and one side alone can be dead');
    return { kind: 'orphan', uid: orphan, node: needed(node, '--orphan'), end, proof, sourceProof };
  }
  if (node !== undefined) throw new UsageError('--node goes with --orphan or --device');
  if (sourceProof !== null) {
    if (asked > 0 || proof !== null) throw new UsageError('a migration and --source-is-dead go alone');
    // A folder knows of no nodes but those that this command line names.
    return { kind: 'sourceDead', proof: sourceProof, unknownIsSilent: door === 'kubernetes' };
  }
  if (asked !== 1 || run === true)
    throw new UsageError('a migration needs one of --source, --source-is-dead and --discard');
  if (discard === true) return { kind: 'discard' };
  if (proof === null)
    throw new UsageError(
      '--source needs --target-is-dead "PROOF": both sides would run if the target were alive',
    );
  return { kind: 'source', proof };
}

function needed(node: string | undefined, flag: string): string {
  if (node === undefined) throw new UsageError(`${flag} needs --node`);
  return node;
}

function proofOf(flag: string, given: string | undefined): string | null {
  if (given === undefined) return null;
  const proof = given.trim();
  if (proof.length >= PROOF_MIN && proof.length <= PROOF_MAX) return proof;
  throw new UsageError(`${flag} takes a sentence of ${PROOF_MIN} to ${PROOF_MAX} characters`);
}

/** `namespace/name`. A folder knows migrations without a namespace, a cluster does not. */
function keyOf(text: string, namespace: string | undefined, door: 'folder' | 'kubernetes'): MigrationKey {
  const [first = '', second, ...rest] = text.split('/');
  const both = second !== undefined;
  if (rest.length > 0 || (both ? second : first) === '')
    throw new UsageError('write the migration as NAMESPACE/NAME or NAME');
  if (both && namespace !== undefined && namespace !== first)
    throw new UsageError('the migration and --namespace name different namespaces');
  if (both) return { namespace: first, name: second };
  return { namespace: namespace ?? (door === 'folder' ? '' : 'default'), name: first };
}
