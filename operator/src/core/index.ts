export type { Action } from './action.ts';
export { decide } from './decide.ts';
export { asReason, failure, fromReason } from './failure.ts';
export type { Observed, Placement, Plan, RecordView, SideView } from './observed.ts';
