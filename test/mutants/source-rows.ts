import type { Edit, Row, SourceMutant, TestRef } from './row.ts';

const BIND = 'node-agent/src/core/bind.ts';
const SOURCE_ADVANCE = 'node-agent/src/core/source-advance.ts';
const TARGET_ADVANCE = 'node-agent/src/core/target-advance.ts';
const TARGET_COMMANDS = 'node-agent/src/core/target-commands.ts';
const SINK = 'node-agent/src/transfer/stream-sink.ts';
const PREFLIGHT = 'operator/src/core/preflight.ts';

const core = (file: string, name: string): TestRef => ({
  file: `test/unit/node-agent/core/${file}.test.ts`,
  name,
});
const admission = (name: string): TestRef => core('admission', name);
const preflight = (name: string): TestRef => ({ file: 'test/unit/operator/core/preflight.test.ts', name });
const agents = (name: string): TestRef => ({ file: 'test/integration/conformance-agents.test.ts', name });
const MOVES = agents('a set that moves under traffic with pre-copy');

const edit = (file: string, find: string, replace: string): Edit => ({ file, find, replace });
const mutant = (id: string, breaks: string, test: TestRef, ...edits: readonly Edit[]): SourceMutant => ({
  kind: 'source',
  id,
  breaks,
  test,
  edits,
});

/** Every load begins with a device that is still to be RESET. */
const CLEARED = 'draft.setDevice(index, { cleared: false })';

/** The first two segments of every pair in the other order. */
const SWAPPED_SINK = `  const held: Buffer[] = [];
  let pieces: Buffer[] = [];
  const flush = async () => {
    for (const segment of held.splice(0).reverse()) {
      await device.beginSegment(segment.length);
      await device.writeSegment(segment);
      await device.commitSegment();
    }
  };
  return {
    begin: async () => void (pieces = []),
    write: async (data) => void pieces.push(Buffer.from(data)),
    commit: async () => {
      held.push(Buffer.concat(pieces));
      if (held.length === 2) await flush();
    },
    finish: flush,
  };`;

/** Rules that agents and operator keep, not the client of one device. */
export const sourceRows: readonly Row[] = [
  {
    item: 'V1-12',
    behaviour: 'refuses a device without RESET',
    mutants: [
      mutant(
        'V1-12-agent',
        'the agent binds a device without RESET',
        admission('V1-12: a device without VFIO_DEVICE_RESET'),
        edit(BIND, 'if (!device.resetSupported)', 'if (false)'),
      ),
      mutant(
        'V1-12-operator',
        'preflight lets it pass',
        preflight('V1-12: a device without VFIO_DEVICE_RESET'),
        edit(PREFLIGHT, 'resetSupported ? null :', 'resetSupported || true ? null :'),
      ),
    ],
  },
  {
    item: 'V1-14',
    behaviour: 'begins only with a device that is exactly Running',
    mutants: [
      mutant(
        'V1-14-agent',
        'the agent binds a device in any state',
        admission('V1-14: refuses a device that is'),
        edit(BIND, "if (device.state !== 'Running')", 'if (false)'),
      ),
      mutant(
        'V1-14-operator',
        'preflight lets it pass',
        preflight('V1-14: a device that is not Running'),
        edit(PREFLIGHT, "state === 'Running' || migrationUid !== ''", 'true'),
      ),
    ],
  },
  {
    item: 'V1-15',
    behaviour: 'freezes the workload before it clears RUNNING',
    mutants: [
      mutant(
        'V1-15-freeze',
        'quiesces without a freeze',
        MOVES,
        edit(SOURCE_ADVANCE, "if (draft.l.workload !== 'frozen') {", 'if (false) {'),
      ),
      mutant(
        'V1-15-unknown',
        'binds a set whose workload does not answer',
        admission('V1-15: a workload that answers'),
        edit('node-agent/src/core/source-commands.ts', "if (observed.workload === 'unknown')", 'if (false)'),
      ),
    ],
  },
  {
    item: 'V1-19',
    behaviour: 'begins another stream, and loads it into a device that was RESET',
    mutants: [
      mutant(
        'V1-19-source',
        'a stopped source goes on with the session of the last generation',
        core('generations', 'V1-19: goes StopCopy, Stop, StopCopy'),
        edit(
          SOURCE_ADVANCE,
          "if (state === 'StopCopy') return draft.device(index).savingGeneration === generation ? null : 'Stop';",
          "if (state === 'StopCopy') return null;",
        ),
      ),
      mutant(
        'V1-19-target',
        'the target keeps what the last generation has loaded',
        core('generations', 'a new generation at the target ends the load under way'),
        edit(TARGET_COMMANDS, CLEARED, CLEARED.replace('false', 'true')),
      ),
    ],
  },
  {
    item: 'V1-21',
    behaviour: 'streams only into a compatible device',
    mutants: [
      mutant(
        'V1-21-protocol',
        'does not compare protocols',
        preflight('\\(V1-21\\) another protocol'),
        edit(PREFLIGHT, 'source.protocol === target.protocol', 'true'),
      ),
      mutant(
        'V1-21-model',
        'does not compare models',
        preflight('\\(V1-21\\) another (vendor|device|subsystem|revision)'),
        edit(PREFLIGHT, 'source[name] !== target[name]', 'source[name] === null'),
      ),
      mutant(
        'V1-21-driver',
        'does not compare drivers and firmware',
        preflight('\\(V1-21\\) another (driver|firmware)'),
        edit(PREFLIGHT, 'source.driver === target.driver && source.firmware === target.firmware', 'true'),
      ),
      mutant(
        'V1-21-region',
        'does not compare region sizes',
        preflight('\\(V1-21\\) another region size'),
        edit(PREFLIGHT, 'source.regionSize === target.regionSize &&', ''),
      ),
    ],
  },
  {
    item: 'V1-23',
    behaviour: 'clears RESUMING only after the complete stream',
    mutants: [
      mutant(
        'V1-23-ended',
        'verifies with streams that have not ended',
        core('target-voyage', 'V1-23: verify '),
        edit(TARGET_COMMANDS, 'if (!l.streams.every((stream) => stream.ended))', 'if (false)'),
      ),
    ],
  },
  {
    item: 'V1-25',
    behaviour: 'moves a device without NDMA alone, not in a set',
    mutants: [
      mutant(
        'V1-25-agent',
        'the agent binds it as one of a set',
        admission('V1-25, V2-22: a device of a set without NDMA'),
        edit(BIND, 'if (ids.length > 1 && !device.p2p) {', 'if (false) {'),
      ),
      mutant(
        'V1-25-operator',
        'preflight lets it pass',
        preflight('V1-25, V2-22: a device of a set without NDMA'),
        edit(PREFLIGHT, 'p2p || alone', 'p2p || alone || true'),
      ),
    ],
  },
  {
    item: 'V1-26',
    behaviour: 'quiesces all devices before it stops any',
    mutants: [
      mutant(
        'V1-26-barrier',
        'stops devices without quiescing them',
        MOVES,
        edit(
          SOURCE_ADVANCE,
          'if (!draft.bound(index).p2p)\n      return state',
          'if (true)\n      return state',
        ),
        edit(SOURCE_ADVANCE, 'const { p2p } = draft.bound(index);', 'const p2p = false;'),
      ),
    ],
  },
  {
    item: 'V1-27',
    behaviour: 'has all devices running before any drops NDMA',
    mutants: [
      mutant(
        'V1-27-barrier',
        'lets each device run as soon as it can',
        MOVES,
        edit(
          TARGET_ADVANCE,
          'if (!every(draft, quiet)) return false;',
          'if (!draft.indexes.some(quiet)) return false;',
        ),
        edit(
          TARGET_ADVANCE,
          "if (idleAt(draft, index, ready)) draft.arc(index, 'Running');",
          "if (idleAt(draft, index, ready)) draft.arc(index, 'Running');\n" +
            "    else if (idleAt(draft, index, 'Stop')) draft.arc(index, 'RunningP2P');",
        ),
      ),
    ],
  },
  {
    item: 'V1-28',
    behaviour: 'puts a deadline on a quiesce, and turns back',
    mutants: [
      mutant(
        'V1-28-deadline',
        'waits for a quiesce for ever',
        core('deadline', 'policy Abort thaws first and rolls the set back'),
        edit('node-agent/src/core/step.ts', 'onQuiesceDeadline(draft);', ''),
      ),
    ],
  },
  {
    item: 'V1-38',
    behaviour: 'asks for the true end only of a stopped set',
    mutants: [
      mutant(
        'V1-38-drain',
        'asks for it while devices still run',
        core('source-voyage', 'V1-38: streams are told to end'),
        edit(
          SOURCE_ADVANCE,
          'if (!arrived) return false;\n  if (draft.l.streaming !== generation) {',
          'if (draft.l.streaming !== generation) {',
        ),
      ),
    ],
  },
  {
    item: 'V1-51',
    behaviour: 'gives segments in the order that they came in',
    mutants: [
      mutant(
        'V1-51-order',
        'gives every second segment before the first',
        MOVES,
        edit(
          SINK,
          `  return {
    begin: (size) => device.beginSegment(size),
    write: (data) => device.writeSegment(data),
    commit: () => device.commitSegment(),
    finish: () => Promise.resolve(),
  };`,
          SWAPPED_SINK,
        ),
      ),
    ],
  },
  {
    item: 'V1-52',
    behaviour: 'refuses a target with a smaller window',
    mutants: [
      mutant(
        'V1-52-operator',
        'preflight does not compare windows',
        preflight('V1-52: a smaller window'),
        edit(PREFLIGHT, '&& source.dataWindowSize <= target.dataWindowSize', ''),
      ),
    ],
  },
  {
    item: 'V1-56',
    behaviour: 'RESETs a device before it enters RESUMING',
    mutants: [
      mutant(
        'V1-56-reset',
        'takes target devices as they are',
        MOVES,
        edit(TARGET_COMMANDS, CLEARED, CLEARED.replace('false', 'true')),
      ),
    ],
  },
  {
    item: 'V1-57',
    behaviour: 'ends an abort with the source Running and the target RESET',
    mutants: [
      mutant(
        'V1-57-source',
        'leaves the source in pre-copy',
        agents('V1-57: a migration that is aborted in pre-copy'),
        edit(
          SOURCE_ADVANCE,
          `if (state === 'Running') return null;
    if (state === 'RunningP2P' || state === 'PreCopy') return 'Running';
    if (state === 'PreCopyP2P')`,
          `if (state === 'Running' || state === 'PreCopy') return null;
    if (state === 'RunningP2P') return 'Running';
    if (state === 'PreCopyP2P')`,
        ),
      ),
      mutant(
        'V1-57-target',
        'gives target devices up without RESET',
        agents('V1-57: a migration that is aborted with everything stopped'),
        edit(
          TARGET_ADVANCE,
          'const gone = draft.device(index).cleared || draft.bound(index).quarantined;',
          'const gone = true;',
        ),
        edit(
          TARGET_ADVANCE,
          'draft.idle(index) && (draft.device(index).cleared || draft.bound(index).quarantined)',
          'draft.idle(index)',
        ),
      ),
    ],
  },
];
