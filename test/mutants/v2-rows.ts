import type { Edit, Row, SourceMutant, TestRef } from './row.ts';

const CORE = 'node-agent/src/core';
const SOURCE_ADVANCE = `${CORE}/source-advance.ts`;
const TARGET_ADVANCE = `${CORE}/target-advance.ts`;
const TARGET_COMMANDS = `${CORE}/target-commands.ts`;
const OUTGOING = 'node-agent/src/transfer/outgoing-stream.ts';
const DEVICE_SOURCE = 'node-agent/src/transfer/device-source.ts';
const VFIO_DEVICE = 'node-agent/src/device/vfio-device.ts';
const VOYAGE = 'operator/src/reconcile/voyage.ts';
const PREFLIGHT = 'operator/src/core/preflight.ts';

const unit = (file: string, name: string): TestRef => ({ file: `test/unit/${file}.test.ts`, name });
const core = (file: string, name: string): TestRef => unit(`node-agent/core/${file}`, name);
const initial = (name: string): TestRef => unit('node-agent/transfer/initial-data', name);
const device = (name: string): TestRef => unit('node-agent/device/vfio-device', name);

const edit = (file: string, find: string, replace: string): Edit => ({ file, find, replace });
const mutant = (id: string, breaks: string, test: TestRef, ...edits: readonly Edit[]): SourceMutant => ({
  kind: 'source',
  id,
  breaks,
  test,
  edits,
});

/** Rules of the v2 protocol that agents and operator keep, not the client of one device. */
export const v2Rows: readonly Row[] = [
  {
    item: 'V2-17',
    behaviour: 'leaves pre-copy when the target has the initial data',
    mutants: [
      mutant(
        'V2-17-accepted',
        'takes data that was read for data that the target has',
        initial('V2-17: written is not accepted'),
        edit(
          OUTGOING,
          'this.#initialEnd === null || this.#accepted < this.#initialEnd',
          'this.#initialEnd === null',
        ),
      ),
      mutant(
        'V2-17-operator',
        'ends pre-copy with initial data outstanding',
        unit('operator/core/convergence', 'V2-17: does not end before'),
        edit(
          'operator/src/core/convergence.ts',
          'if (samples.at(-1)?.initialPending === true) return false;',
          '',
        ),
      ),
    ],
  },
  {
    item: 'V2-18',
    behaviour: 'counts what comes only after the stop',
    mutants: [
      mutant(
        'V2-18-agent',
        'the agent does not tell it',
        initial('V2-18: '),
        edit(DEVICE_SOURCE, 'this.#stopCopyBytes = await this.#device.stopCopyBytes();', ''),
      ),
      mutant(
        'V2-18-operator',
        'the operator converges without it',
        unit('operator/reconcile/voyage', 'V2-18: '),
        edit(VOYAGE, 'each.pendingBytes + each.stopCopyBytes', 'each.pendingBytes'),
      ),
    ],
  },
  {
    item: 'V2-19',
    behaviour: 'takes a size that nobody tells for a huge one',
    mutants: [
      mutant(
        'V2-19-unknown',
        'takes it for nothing',
        device('V2-19: '),
        edit(VFIO_DEVICE, '?? UNKNOWN_STOP_COPY_BYTES', '?? 0'),
      ),
    ],
  },
  {
    item: 'V2-20',
    behaviour: 'waits for initial data again when there is new one',
    mutants: [
      mutant(
        'V2-20-reinit',
        'does not listen to REINIT',
        initial('V2-20: is pending again with the word of the device'),
        edit(DEVICE_SOURCE, '(info.initialBytes > 0 || info.reinit)', 'info.initialBytes > 0'),
      ),
      mutant(
        'V2-20-once',
        'is done once the first initial data has arrived',
        initial('V2-20: is pending again with new initial bytes'),
        edit(
          OUTGOING,
          'if (this.#source.initialPending === true) this.#initialEnd = null;\n    else this.#initialEnd ??=',
          'if (this.#source.initialPending !== true) this.#initialEnd ??=',
        ),
      ),
    ],
  },
  {
    item: 'V2-21',
    behaviour: 'passes both barriers as a set',
    mutants: [
      mutant(
        'V2-21-source',
        'stops devices without quieting them',
        core('barriers', 'V1-26: '),
        edit(
          SOURCE_ADVANCE,
          'if (!draft.bound(index).p2p)\n      return state',
          'if (true)\n      return state',
        ),
        edit(SOURCE_ADVANCE, 'const { p2p } = draft.bound(index);', 'const p2p = false;'),
      ),
      mutant(
        'V2-21-target',
        'lets a device run as soon as it is quiet',
        core('barriers', 'V1-27: '),
        edit(
          TARGET_ADVANCE,
          'if (!every(draft, quiet)) return false;',
          'if (!draft.indexes.some(quiet)) return false;',
        ),
      ),
    ],
  },
  {
    item: 'V2-22',
    behaviour: 'takes no device without the P2P flag into a set',
    mutants: [
      mutant(
        'V2-22-agent',
        'the agent binds it as one of a set',
        core('admission', 'V1-25, V2-22: '),
        edit(`${CORE}/bind.ts`, 'if (ids.length > 1 && !device.p2p) {', 'if (false) {'),
      ),
      mutant(
        'V2-22-operator',
        'preflight lets it pass',
        unit('operator/core/preflight', 'V1-25, V2-22: '),
        edit(PREFLIGHT, 'p2p || alone', 'p2p || alone || true'),
      ),
    ],
  },
  {
    item: 'V2-23',
    behaviour: 'freezes the workload before a device is quiet, and thaws it after',
    mutants: [
      mutant(
        'V2-23-freeze',
        'quiesces without a freeze',
        core('source-voyage', 'with pre-copy goes PreCopy, freeze'),
        edit(SOURCE_ADVANCE, "if (draft.l.workload !== 'frozen') {", 'if (false) {'),
      ),
    ],
  },
  {
    item: 'V2-26',
    behaviour: 'verifies the whole stream before it leaves Resuming',
    mutants: [
      mutant(
        'V2-26-ended',
        'verifies with streams that have not ended',
        core('target-voyage', 'V1-23: verify '),
        edit(TARGET_COMMANDS, 'if (!l.streams.every((stream) => stream.ended))', 'if (false)'),
      ),
      mutant(
        'V2-26-totals',
        'does not compare counts and checksums',
        core('target-voyage', 'is StreamCorrupt, and every device stays'),
        edit(TARGET_COMMANDS, 'if (difference !== null) {', 'if (false) {'),
      ),
    ],
  },
  {
    item: 'V2-27',
    behaviour: 'restores PCI command and interrupts behind a RESET',
    mutants: [
      mutant(
        'V2-27-restore',
        'leaves a device as RESET left it',
        unit('node-agent/session/externals', 'V2-27: is read at prepare'),
        edit(`${CORE}/draft.ts`, "role === 'source' && phase !== 'Releasing'", 'false'),
      ),
    ],
  },
  {
    item: 'V2-28',
    behaviour: 'hands out no device whose RESET failed',
    mutants: [
      mutant(
        'V2-28-withhold',
        'takes it for one like any other',
        core('target-failures', 'V2-28: before the load'),
        edit(
          `${CORE}/device-events.ts`,
          'draft.setBound(index, { quarantined: true, lost: true });',
          'draft.setBound(index, { lost: true });',
        ),
      ),
    ],
  },
  {
    item: 'V2-29',
    behaviour: 'leaves StopCopy by Stop, after the target runs',
    mutants: [
      mutant(
        'V2-29-stop',
        'resets it out of StopCopy',
        core('source-voyage', 'with pre-copy goes PreCopy, freeze'),
        edit(
          SOURCE_ADVANCE,
          "return state === 'StopCopy' ? 'Stop' : state === 'Unknown' ? 'wait' : 'reset';",
          "return state === 'Unknown' ? 'wait' : 'reset';",
        ),
      ),
    ],
  },
  {
    item: 'V2-30',
    behaviour: 'runs a stopped source again only on the record',
    mutants: [
      mutant(
        'V2-30-source',
        'rolls it back on any command',
        core('decisions', 'a stopped source runs again only'),
        edit(`${CORE}/source-commands.ts`, 'if (stopJournalled(phase) && !recorded) {', 'if (false) {'),
      ),
    ],
  },
  {
    item: 'V2-34',
    behaviour: 'reads the log of written pages after the last device has stopped',
    mutants: [
      mutant(
        'V2-34-early',
        'saves the workload before the set is stopped',
        unit('node-agent/transfer/streams', 'does not end a stream before the drain'),
        edit('node-agent/src/transfer/workload-source.ts', '    await this.#drained.promise;\n', ''),
      ),
    ],
  },
  {
    item: 'V2-35',
    behaviour: 'reads PCI command and interrupts of a stopped device',
    mutants: [
      mutant(
        'V2-35-externals',
        'asks a stopped device for none',
        unit('node-agent/transfer/streams', 'arrive in the segments of the source'),
        edit(
          'node-agent/src/transfer/saving-session.ts',
          'new BlobSource(() => device.readExternals(),',
          'new BlobSource(() => Promise.resolve(Buffer.alloc(0)),',
        ),
      ),
    ],
  },
  {
    item: 'V2-36',
    behaviour: 'keeps bus mastering off until the load is done',
    mutants: [
      mutant(
        'V2-36-clear',
        'loads a device that may reach memory',
        device('V2-36: enters Resuming'),
        edit(VFIO_DEVICE, "if (to === 'Resuming') await clearBusMaster(device);", ''),
      ),
      mutant(
        'V2-36-last',
        'gives it back before the load is done',
        unit('node-agent/transfer/device-sinks', 'V2-36: '),
        edit('node-agent/src/transfer/device-sinks.ts', 'await loaded.promise;', ''),
      ),
    ],
  },
  {
    item: 'V2-38',
    behaviour: 'holds no more of a stream than its window',
    mutants: [
      mutant(
        'V2-38-window',
        'reads on, however far the target is behind',
        unit('node-agent/transfer/streams', 'reads no further ahead of the target'),
        edit(OUTGOING, 'while (!this.#window.hasRoom(', 'while (false && !this.#window.hasRoom('),
      ),
    ],
  },
];
