/** Value of the annotation `transship.dev/hand-over` of a pod that was given its owner. */
export const ADOPTED = 'adopted';

/** Of `controller.kubernetes.io/pod-deletion-cost`: int32, as text. */
export const LOWEST_COST = '-2147483648';
export const HIGHEST_COST = '2147483647';
