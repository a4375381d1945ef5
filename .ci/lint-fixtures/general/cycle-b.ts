import { a } from './cycle-a.ts'; // expect: no-cycle

export const b = (): unknown => a;
