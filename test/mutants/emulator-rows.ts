import type { Row } from './row.ts';

const file = (name: string): string => `test/integration/conformance-device-${name}.test.ts`;

const rules: readonly (readonly [item: string, test: string, behaviour: string, breaks: string])[] = [
  [
    'D-01',
    'registers',
    'has a region of type 3, subtype 1 with the registers at its start',
    'says subtype 7',
  ],
  ['D-02', 'registers', 'answers fields at their own width only', 'answers at any width'],
  ['D-03', 'state', 'is RUNNING by default, exactly', 'is stopped by default'],
  ['D-04', 'state', 'is in the new state when the write returns', 'shows the old state once more'],
  ['D-05', 'state', 'sets NDMA first and clears it last', 'sets NDMA last'],
  ['D-06', 'state', 'changes its state only when told to', 'stops when pending_bytes is read'],
  ['D-07', 'state', 'fails a write with an errno, in the old state or ERROR', 'stops when a write fails'],
  ['D-08', 'state', 'returns to RUNNING by RESET from every state', 'refuses RESET unless RUNNING'],
  ['D-09', 'state', 'refuses the values that are never valid, and ERROR', 'takes them'],
  ['D-10', 'traffic', 'stands still while stopped, and takes no DMA', 'takes DMA while stopped'],
  ['D-11', 'registers', 'answers configuration space and MSI-X while stopped', 'refuses both'],
  ['D-12', 'registers', 'survives access to its memory while stopped', 'dies of it'],
  ['D-13', 'state', 'opens the window with SAVING and closes it after', 'keeps it open'],
  ['D-14', 'streams', 'validates the load when RESUMING is cleared', 'takes whatever was loaded'],
  ['D-15', 'state', 'refuses NDMA without capability 6', 'takes it'],
  ['D-16', 'traffic', 'completes outstanding DMA before NDMA is set', 'does not wait for it'],
  ['D-17', 'traffic', 'takes DMA of peers and MMIO with NDMA set', 'takes no DMA with NDMA set'],
  ['D-18', 'state', 'takes NDMA without RUNNING for the same as none', 'refuses it'],
  ['D-19', 'registers', 'reads the reserved field as zero, keeps bits 31:4', 'reads it as ones'],
  ['D-20', 'streams', 'lets pending_bytes be read any number of times', 'drops a segment each time'],
  ['D-21', 'streams', 'gives the same segment until pending_bytes is read', 'gives another at each look'],
  ['D-22', 'streams', 'lets a segment be collected in pieces', 'refuses pieces'],
  ['D-23', 'streams', 'takes pending_bytes for the acknowledgement', 'gives the same segment again'],
  ['D-24', 'streams', 'may have more after zero while RUNNING', 'has nothing more after zero'],
  ['D-25', 'streams', 'lets pre-copy be left with data pending', 'refuses it'],
  ['D-26', 'streams', 'notices segments of another size or order', 'looks at neither'],
  ['D-27', 'registers', 'answers read and write, mapped or not', 'refuses both where data can be mapped'],
  ['D-28', 'registers', 'can raise a fault on every access', 'swallows faults'],
];

export const emulatorRows: readonly Row[] = rules.map(([item, test, behaviour, breaks]) => ({
  item,
  behaviour,
  mutants: [{ kind: 'emulator', breaks, test: { file: file(test), name: `(^| )${item}: ` } }],
}));
