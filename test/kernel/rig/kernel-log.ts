import { open } from 'node:fs/promises';

/** Lines by which a kernel says that something is wrong with it, whoever caused it. */
const COMPLAINTS: readonly RegExp[] = [
  /\bWARNING:/,
  /\bBUG:/,
  /\bBUG at /,
  /\bOops\b/,
  /\bCall Trace:/,
  /\bKernel panic\b/,
  /\bgeneral protection fault\b/,
  /\bUBSAN:/,
  /\brcu: INFO: .*(stall|starved)/,
  /\bdetected stalls? on\b/,
  /\bblocked for more than \d+ seconds/,
  /\bsoft lockup\b/,
  /\bhard LOCKUP\b/i,
  /\brefcount_t: /,
  /\blist_(add|del) corruption\b/,
  /\bpossible (circular|recursive) locking\b/,
  /\bpossible deadlock\b/,
  /\bsleeping function called from invalid context\b/,
  /\bscheduling while atomic\b/,
  /\bOut of memory:/,
  /\boom-kill/,
  /\bDMAR: .*fault\b/i,
];

/** Lines of a kernel's log that complain. */
export function complaintsIn(log: string): string[] {
  return log.split('\n').filter((line) => COMPLAINTS.some((complaint) => complaint.test(line)));
}

/** Bits of /proc/sys/kernel/tainted that no test may set; Documentation/admin-guide/tainted-kernels.rst. */
const TAINTS: readonly (readonly [bit: number, meaning: string])[] = [
  [4, 'machine check'],
  [5, 'bad page'],
  [7, 'died: oops or BUG'],
  [9, 'warning'],
  [14, 'soft lockup'],
];

/** What a value of /proc/sys/kernel/tainted says went wrong; modules from out of tree and unsigned ones do not count. */
export function taintsOf(tainted: number): string[] {
  return TAINTS.filter(([bit]) => (tainted & (1 << bit)) !== 0).map(
    ([bit, meaning]) => `taint ${bit}: ${meaning}`,
  );
}

/** The console of one guest, as QEMU writes it into a file. */
export class KernelLog {
  readonly file: string;
  #read: number;

  /** `from`: what stands before is not news, bytes. */
  constructor(file: string, from = 0) {
    this.file = file;
    this.#read = from;
  }

  /** What has been written since the last call. */
  async news(): Promise<string> {
    const file = await open(this.file, 'r');
    try {
      const { size } = await file.stat();
      const length = size - this.#read;
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, this.#read);
      this.#read = size;
      return buffer.toString('utf8');
    } finally {
      await file.close();
    }
  }
}
