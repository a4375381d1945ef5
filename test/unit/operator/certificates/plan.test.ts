import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { issueAuthority, issueServing } from '@transship/operator/internal/certificates/issue';
import { issued, look, type Pair } from '@transship/operator/internal/certificates/pair';
import {
  bundleOf,
  type Held,
  type Lifetimes,
  nextStep,
} from '@transship/operator/internal/certificates/plan';

const MINUTE = 60_000;
const LIFETIMES: Lifetimes = {
  authorityMs: 1_000 * MINUTE,
  authorityLeftMs: 300 * MINUTE,
  servingMs: 100 * MINUTE,
  servingLeftMs: 30 * MINUTE,
  publishedMs: 10 * MINUTE,
  skewMs: 5 * MINUTE,
};
const START = new Date('2026-01-01T00:00:00Z');
const NAMES = ['b.svc', '127.0.0.1', 'a.svc'];
const after = (minutes: number): Date => new Date(START.getTime() + minutes * MINUTE);
const validity = (madeAt: number, lifeMs: number) => ({
  notBefore: new Date(after(madeAt).getTime() - LIFETIMES.skewMs),
  notAfter: new Date(after(madeAt).getTime() + lifeMs),
});

let issuer: Pair;
let other: Pair;
let held: Held;
let preparing: Held;

beforeAll(async () => {
  issuer = await issueAuthority(validity(0, LIFETIMES.authorityMs));
  other = await issueAuthority(validity(700, LIFETIMES.authorityMs));
  const serving = await issueServing(issuer, NAMES, validity(0, LIFETIMES.servingMs));
  held = { issuer, next: null, serving, bundle: issuer.cert };
  const later = await issueServing(issuer, NAMES, validity(699, LIFETIMES.servingMs));
  preparing = {
    issuer,
    next: other,
    serving: later,
    bundle: bundleOf([issuer, other], issuer.cert, after(700)),
  };
});

const step = (of: Held | null, minutes: number, published = true, names: readonly string[] = NAMES) =>
  nextStep(of, names, published, after(minutes), LIFETIMES);

describe('an issued certificate', () => {
  test('is of its authority and names what it serves', () => {
    const [authority, serving] = [look(issuer), look(held.serving)];
    expect(serving?.names).toEqual(['127.0.0.1', 'a.svc', 'b.svc']);
    expect(authority?.certificate.ca).toBe(true);
    expect(serving?.certificate.ca).toBe(false);
    expect(serving?.certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(serving?.notAfter).toEqual(after(100));
    const certificate = new X509Certificate(held.serving.cert);
    expect(issued(new X509Certificate(issuer.cert), certificate)).toBe(true);
    expect(issued(new X509Certificate(other.cert), certificate)).toBe(false);
  });

  test('does not pass with the key of another', () => {
    expect(look({ cert: held.serving.cert, key: issuer.key })).toBeNull();
    expect(look({ cert: 'no certificate', key: issuer.key })).toBeNull();
  });
});

describe('certificates', () => {
  test('begin anew where there are none that can be used', () => {
    expect(step(null, 0)).toBe('begin');
    expect(step({ ...held, issuer: { cert: 'x', key: 'y' } }, 0)).toBe('begin');
    expect(step(held, 1_000)).toBe('begin');
  });

  test('stay as they are while they have long enough to live', () => {
    expect(step(held, 0)).toBeNull();
    expect(step(held, 69)).toBeNull();
  });

  test('of the server are renewed in time, and when they are of another name, authority or key', () => {
    expect(step(held, 71)).toBe('renew');
    expect(step(held, 200)).toBe('renew');
    expect(step(held, 0, true, ['c.svc'])).toBe('renew');
    expect(step({ ...held, serving: other }, 0)).toBe('renew');
    expect(step({ ...held, serving: { cert: held.serving.cert, key: issuer.key } }, 0)).toBe('renew');
  });

  test('of the authority are followed by the next one long before their end', () => {
    expect(step({ ...preparing, next: null }, 699)).toBeNull();
    expect(step({ ...preparing, next: null }, 701)).toBe('prepare');
    expect(step({ ...preparing, next: { cert: 'x', key: 'y' } }, 701)).toBe('prepare');
  });

  test('of the next authority serve only once it has been published, and for long enough', () => {
    expect(step(preparing, 709)).toBeNull();
    expect(step(preparing, 711, false)).toBeNull();
    expect(step(preparing, 711)).toBe('promote');
  });
});

describe('the bundle', () => {
  test('keeps an authority until it has ended', () => {
    expect(bundleOf([other], preparing.bundle, after(711))).toBe(other.cert + issuer.cert);
    expect(bundleOf([other], preparing.bundle, after(1_001))).toBe(other.cert);
    expect(bundleOf([issuer, other], issuer.cert, after(700))).toBe(issuer.cert + other.cert);
  });

  test('does not grow without end', async () => {
    let bundle = '';
    for (let made = 0; made < 6; made += 1) {
      const next = await issueAuthority(validity(made, LIFETIMES.authorityMs));
      bundle = bundleOf([next], bundle, after(made));
      expect(bundle.startsWith(next.cert)).toBe(true);
    }
    expect(bundle.match(/BEGIN/g)).toHaveLength(4);
  });
});
