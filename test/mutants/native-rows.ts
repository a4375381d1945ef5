import type { Mutant, Row } from './row.ts';

/**
 * Rules of the v2 protocol that the client of one device keeps: item, file of its tests, what a correct user does, what
 * TRANSSHIP_MUTANT(item) breaks. `npm run test:native` runs the tests that are named after the item, without the switch
 * and with it.
 */
const rules: readonly (readonly [item: string, file: string, behaviour: string, breaks: string])[] = [
  ['V2-01', 'v2_open', 'refuses flags that mean nothing yet', 'takes whatever flags the driver gives'],
  ['V2-02', 'v2_arc', 'asks for no optional state without its flag', 'takes every state for offered'],
  ['V2-03', 'v2_arc', 'never asks for ERROR', 'asks for it'],
  [
    'V2-04',
    'v2_state',
    'reads the state after a refusal, and takes up any',
    'believes that it is where it was',
  ],
  ['V2-05', 'v2_arc', 'asks for single arcs', 'goes from Running to StopCopy in one request'],
  ['V2-06', 'v2_state', 'takes a data descriptor where one is due, and only there', 'takes what comes'],
  ['V2-07', 'v2_saving', 'closes the data descriptor once', 'keeps it when the group is left'],
  ['V2-08', 'v2_saving', 'reads one descriptor over the switch to StopCopy', 'drops it at the switch'],
  ['V2-09', 'v2_arc', 'never goes from StopCopy back to PreCopy', 'asks for it'],
  ['V2-10', 'v2_resuming', 'keeps the order and writes large pieces', 'writes 16 bytes at a time'],
  ['V2-11', 'v2_saving', 'reads one stream to its end', 'goes on with the stream of the session before'],
  ['V2-12', 'v2_resuming', 'loops over short transfers', 'believes that one write takes everything'],
  ['V2-13', 'v2_saving', 'takes nothing in PreCopy for no end', 'takes it for the end'],
  ['V2-14', 'v2_saving', 'takes ENOMSG in StopCopy for a fault', 'takes it for the end'],
  ['V2-15', 'v2_saving', 'reads the state when the stream is gone', 'takes ENODEV for any other error'],
  ['V2-16', 'v2_estimate', 'asks for pre-copy information in pre-copy alone', 'asks in every state'],
  ['V2-18', 'v2_estimate', 'estimates StopCopy by the data size', 'does not ask for it'],
  ['V2-19', 'v2_estimate', 'takes an unknown data size for no fault', 'fails without it'],
  ['V2-20', 'v2_estimate', 'trusts REINIT only after the opt-in', 'trusts it always'],
  ['V2-22', 'v2_open', 'takes a device for fit for a set by its P2P flag', 'takes every device for fit'],
  [
    'V2-24',
    'v2_resuming',
    'takes a failed exit from Resuming for a rejected load',
    'takes it for a refused arc',
  ],
  ['V2-25', 'v2_resuming', 'leaves a failed load by RESET alone', 'leaves Resuming all the same'],
  ['V2-27', 'v2_state', 'looks whether RESET has led to Running', 'believes it'],
  ['V2-31', 'dma_log', 'starts one log and uses the page size of the device', 'starts another, with its own'],
  ['V2-32', 'dma_log', 'begins every report with an empty bitmap', 'begins with the bits of before'],
  ['V2-33', 'dma_log', 'takes a log that failed for corrupt', 'takes what it got for the truth'],
  ['V2-36', 'v2_arc', 'reaches Resuming from Stop', 'asks for it from Running'],
  ['V2-37', 'worker', 'has a thread for each device', 'lets one device wait for another'],
  ['V2-39', 'worker', 'makes no second call while one is out', 'makes it'],
  ['V2-40', 'kernel_device', 'closes nothing after reading the state', 'closes what the answer names'],
];

/** Those that a device of the emulator can show as well, through the addon. */
const ON_EMULATOR: ReadonlySet<string> = new Set(
  ['02', '03', '04', '05', '08', '09', '11', '13', '14', '15', '16', '18', '19', '22', '24', '25', '27']
    .concat('31', '32', '33', '36', '37')
    .map((number) => `V2-${number}`),
);

const onEmulator = (item: string, breaks: string): Mutant => ({
  kind: 'addon',
  breaks,
  test: { file: 'test/integration/conformance-v2-user.test.ts', name: `(^| )${item}[,:]` },
});

const inUnitTest = (item: string, file: string, breaks: string): Mutant => ({
  kind: 'native',
  breaks,
  test: { file: `native/test/${file}_test.cc`, name: item.replace('-', '_') },
});

export const nativeRows: readonly Row[] = rules.map(([item, file, behaviour, breaks]) => ({
  item,
  behaviour,
  mutants: [inUnitTest(item, file, breaks), ...(ON_EMULATOR.has(item) ? [onEmulator(item, breaks)] : [])],
}));
