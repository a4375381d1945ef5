/** A test, or several of a file, that must turn red. */
export interface TestRef {
  /** Path from the project's root. */
  readonly file: string;
  /** Regular expression on the test's full name, as jest's -t takes it. */
  readonly name: string;
}

/** One replacement in a source file, made only where a test process loads it. */
export interface Edit {
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

interface Broken {
  /** What is broken, for people. */
  readonly breaks: string;
  readonly test: TestRef;
}

/** TRANSSHIP_MUTANT(item) in the C++ of the addon or of the emulator. */
export interface Switch extends Broken {
  readonly kind: 'addon' | 'emulator';
}

/** TRANSSHIP_MUTANT(item) in the C++ of the addon, with tests in C++ of its own: see native/scripts/test.sh. */
export interface NativeSwitch extends Broken {
  readonly kind: 'native';
}

/** A change of the TypeScript of agents or operator. */
export interface SourceMutant extends Broken {
  readonly kind: 'source';
  /** Unique; value of TRANSSHIP_TS_MUTANT. */
  readonly id: string;
  readonly edits: readonly Edit[];
}

export type Mutant = Switch | NativeSwitch | SourceMutant;

/** One item of the conformance list, and what proves that its test can fail. */
export interface Row {
  readonly item: string;
  /** What a correct user or device does, in a few words. */
  readonly behaviour: string;
  readonly mutants: readonly Mutant[];
}

/** The items of the list: what users of a v1 device and of a v2 device do, and what v1 devices do. */
export const ITEMS: readonly string[] = [...numbered('V1', 57), ...numbered('V2', 40), ...numbered('D', 28)];

function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${String(index + 1).padStart(2, '0')}`);
}
