import { CONDITION_MESSAGE_MAX, clipMessage, errors, formatDuration, isErrorCode } from '@transship/crds';
import type { Attempt } from './attempts.ts';

/** Longest message of an answer, in characters: it is printed every few seconds. */
const MESSAGE_MAX = Math.min(1024, CONDITION_MESSAGE_MAX);
const UNITS = ['B/s', 'kB/s', 'MB/s', 'GB/s', 'TB/s'] as const;

/**
 * How far an attempt is. It begins as KubeVirt's message does, by which the descheduler knows an eviction that goes on in
 * the background.
 */
export function underWay(attempt: Attempt): string {
  const { namespace, name, cancelled, status } = attempt;
  const { phase, progress, transfer } = status;
  const words = [progress === undefined ? phase : `${phase} ${progress}`];
  if (transfer !== undefined && transfer.bytesPerSecond > 0) words.push(rate(transfer.bytesPerSecond));
  if (transfer?.eta !== undefined) words.push(`ETA ${transfer.eta}`);
  if (cancelled) words.push('cancelled, on its way back');
  return clip(`Eviction triggered evacuation: DeviceMigration ${namespace}/${name} ${words.join(', ')}`);
}

/** The last attempt failed; when the next one follows. */
export function refused(attempt: Attempt, pauseLeftMs: number): string {
  const { namespace, name } = attempt;
  const next = `Next attempt in ${formatDuration(Math.ceil(pauseLeftMs / 1000) * 1000)}`;
  return clip(`DeviceMigration ${namespace}/${name} ${outcome(attempt)} ${next}`);
}

/** The last attempt was rejected, and the pod is one that may be lost. */
export function givenUp(attempt: Attempt): string {
  const { namespace, name } = attempt;
  return clip(`evicted without its devices' state: DeviceMigration ${namespace}/${name} ${outcome(attempt)}`);
}

/** What a dry run is told in place of an answer that makes it wait. */
export function wouldMove(namespace: string, podName: string): string {
  return `${namespace}/${podName} would be moved by a DeviceMigration; it would not be evicted before that has ended`;
}

/** The pod takes in what another one still has. */
export function takesIn(attempt: Pick<Attempt, 'namespace' | 'name' | 'status'>): string {
  const { namespace, name, status } = attempt;
  return `This pod is the target of DeviceMigration ${namespace}/${name}, which is ${status.phase}; it can be moved once that has ended`;
}

/** Nothing could be found out, so nothing is let go. */
export function unknown(namespace: string, podName: string, why: string): string {
  return clip(`Eviction of ${namespace}/${podName} is held, since its state could not be read: ${why}`);
}

function outcome({ status }: Attempt): string {
  const { phase, error } = status;
  if (error === undefined) return `${phase}.`;
  const remedy = isErrorCode(error.code) ? ` ${errors[error.code].remedy}` : '';
  return `${phase}: ${error.code}: ${sentence(error.message)}${remedy}`;
}

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

const clip = (text: string): string => clipMessage(text, MESSAGE_MAX);

/** Decimal units, as links are measured: 212 MB/s. */
function rate(bytesPerSecond: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(bytesPerSecond) / 3));
  return `${Math.round(bytesPerSecond / 1000 ** power)} ${UNITS[power]}`;
}
