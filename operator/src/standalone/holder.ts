import { readFile, readlink } from 'node:fs/promises';
import { z } from 'zod';

/** The process that holds a folder; enough to tell later, on the same machine, that it is gone. */
export const holder = z.object({
  instance: z.string().min(1),
  pid: z.int().positive(),
  /** Clock ticks after boot when the process started: a pid alone may be another process by now. */
  startTicks: z.string(),
  bootId: z.string(),
  /** Processes in different PID namespaces cannot look each other up. */
  pidNamespace: z.string(),
});

export type Holder = z.output<typeof holder>;

/** Describes this process. */
export async function thisHolder(instance: string): Promise<Holder> {
  const { pid } = process;
  const self = await processOf(pid);
  return { instance, pid, startTicks: self?.startTicks ?? '', ...(await machine()) };
}

/** True only when the holder surely runs no more; false when it does, or when that cannot be known from here. */
export async function isDead(other: Holder): Promise<boolean> {
  const { bootId, pidNamespace } = await machine();
  if (other.bootId !== bootId || other.pidNamespace !== pidNamespace) return false;
  const found = await processOf(other.pid);
  return found === null || found.ended || found.startTicks !== other.startTicks;
}

async function machine(): Promise<Pick<Holder, 'bootId' | 'pidNamespace'>> {
  const [bootId, pidNamespace] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    readlink('/proc/self/ns/pid'),
  ]);
  return { bootId: bootId.trim(), pidNamespace };
}

/** proc(5), stat: the command in parentheses may hold anything, so fields are counted from its last parenthesis. */
async function processOf(pid: number): Promise<{ startTicks: string; ended: boolean } | null> {
  let text: string;
  try {
    text = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null;
  }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = ''] = fields;
  return { startTicks: fields[19] ?? '', ended: state === 'Z' || state === 'X' };
}
