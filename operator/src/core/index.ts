export type { Action } from './action.ts';
export { decide } from './decide.ts';
export { failure } from './failure.ts';
export type { LeftTarget, Observed, Placement, Plan, RecordView, SessionView, SideView } from './observed.ts';
export {
  doubted,
  freshMemory,
  leftReplied,
  noted,
  observed,
  raised,
  remembered,
  replied,
  retargeted,
  retry,
  retryLeft,
  unanswered,
  unfinished,
  type Memory,
} from './memory.ts';
export { preCopyDone, type ConvergenceLimits, type Sample } from './convergence.ts';
export { checkPairs, checkSide, checkWhole } from './preflight.ts';
export { statusOf, type Report } from './status.ts';
