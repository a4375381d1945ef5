import { b } from './cycle-b.ts'; // expect: no-cycle

export const a = (): unknown => b;
