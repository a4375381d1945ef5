import { setFlagsFromString } from 'node:v8';

/**
 * A frame is a megabyte outside of V8's heap, and V8 by itself looks through its whole heap for every dozen of them:
 * half the processor time of a transfer. Counted together with the heap, and with garbage allowed to grow to three
 * times what is in use, it does so five times less often. To be called before anything is allocated.
 */
export function growHeapForFrames(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
  setFlagsFromString('--heap-growing-percent=300');
}
