type Phase = 'Running' | 'Stop';

export function careless(value: any, phase: Phase): number { // expect: no-explicit-any
  later(); // expect: no-floating-promises
  [1].forEach(async () => later()); // expect: no-misused-promises
  // expect-next-line: switch-exhaustiveness-check
  switch (phase) {
    case 'Running':
      return Number(value);
  }
  throw 'a string'; // expect: only-throw-error
}

export function careful(phase: Phase): boolean {
  switch (phase) {
    case 'Running':
      return true;
    default:
      return false;
  }
}

async function later(): Promise<void> {
  await Promise.resolve();
}
