import { certificatesIn, issued, look, type Look, type Pair } from './pair.ts';

/** All that the Secret holds. */
export interface Held {
  /** Signs the serving certificates. */
  readonly issuer: Pair;
  /** Is trusted already and signs the next ones; null: none yet. */
  readonly next: Pair | null;
  readonly serving: Pair;
  /** Every authority that is to be trusted, PEM. */
  readonly bundle: string;
}

/** Milliseconds. */
export interface Lifetimes {
  readonly authorityMs: number;
  readonly servingMs: number;
  /** An authority is followed by the next, and a serving certificate replaced, with this much of its life left. */
  readonly authorityLeftMs: number;
  readonly servingLeftMs: number;
  /** How long an authority is published before anything signed by it is shown. */
  readonly publishedMs: number;
  /** Certificates begin this long before they are made: clocks of machines differ. */
  readonly skewMs: number;
}

const DAY_MS = 24 * 60 * 60_000;

/** A dead operator leaves months of service; a live one renews a month, or a year, before the end. */
export const LIFETIMES: Lifetimes = {
  authorityMs: 3 * 365 * DAY_MS,
  authorityLeftMs: 365 * DAY_MS,
  servingMs: 90 * DAY_MS,
  servingLeftMs: 30 * DAY_MS,
  publishedMs: 10 * 60_000,
  skewMs: 5 * 60_000,
};

/** What is to be made next; null: nothing. */
export type Step =
  /** Nothing there can be used: a new authority and a certificate by it. */
  | 'begin'
  /** An authority to follow the present one. */
  | 'prepare'
  /** The next authority becomes the present one and signs a new certificate. */
  | 'promote'
  /** A new certificate by the present authority. */
  | 'renew'
  | null;

/** What the Secret lacks by now. `published`: the API server has been told of the whole bundle in an earlier pass. */
export function nextStep(
  held: Held | null,
  names: readonly string[],
  published: boolean,
  now: Date,
  lifetimes: Lifetimes,
): Step {
  const issuer = held === null ? null : look(held.issuer);
  if (held === null || issuer === null || leftMs(issuer, now) <= 0) return 'begin';
  const next = held.next === null ? null : look(held.next);
  if (next === null) {
    if (leftMs(issuer, now) < lifetimes.authorityLeftMs) return 'prepare';
  } else if (leftMs(next, now) <= 0) {
    return 'prepare';
  } else if (published && ageMs(next, now) - lifetimes.skewMs >= lifetimes.publishedMs) {
    return 'promote';
  }
  const serving = look(held.serving);
  const usable =
    serving !== null &&
    issued(issuer.certificate, serving.certificate) &&
    sameNames(serving.names, names) &&
    leftMs(serving, now) >= Math.min(lifetimes.servingLeftMs, leftMs(issuer, now) / 2);
  return usable ? null : 'renew';
}

/** The authorities to trust: of those that were, only the newest and those that have not ended. */
export function bundleOf(authorities: readonly Pair[], before: string, now: Date): string {
  const current = authorities.map(({ cert }) => cert.trim());
  const old = certificatesIn(before)
    .filter(({ notAfter }) => notAfter > now)
    .map(({ pem }) => pem.trim());
  return [...new Set([...current, ...old])]
    .slice(0, MAX_AUTHORITIES)
    .map((pem) => `${pem}\n`)
    .join('');
}

/** The present one, the next, and those before whose certificates a replica may still show. */
const MAX_AUTHORITIES = 4;

const leftMs = ({ notAfter }: Look, now: Date): number => notAfter.getTime() - now.getTime();
const ageMs = ({ notBefore }: Look, now: Date): number => now.getTime() - notBefore.getTime();

const sameNames = (present: readonly string[], wanted: readonly string[]): boolean =>
  present.join('\n') === [...new Set(wanted)].toSorted().join('\n');
