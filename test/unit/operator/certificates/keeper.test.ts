import { describe, expect, test } from '@jest/globals';
import { CertificateKeeper } from '@transship/operator/internal/certificates/keeper';
import { look } from '@transship/operator/internal/certificates/pair';
import { type Held, LIFETIMES } from '@transship/operator/internal/certificates/plan';
import { ServingCertificate } from '@transship/operator/internal/certificates/source';

const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const SIGNAL = new AbortController().signal;
const DAY_MS = 86_400_000;

/** A Secret and an API server's trust in memory, and a clock that only a test moves. */
class World {
  held: Held | null = null;
  trusted = '';
  /** Another leader writes before this one does. */
  contended = false;
  now = Date.parse('2026-01-01T00:00:00Z');
  #version = 1;
  readonly clock = { now: () => this.now, wallNow: () => new Date(this.now), sleep: async () => undefined };
  readonly secret = {
    read: async () => ({ version: String(this.#version), held: this.held }),
    write: async (version: string, held: Held) => {
      if (this.contended || version !== String(this.#version)) return null;
      this.#version += 1;
      this.held = held;
      return { version: String(this.#version), held };
    },
  };
  readonly trust = {
    publish: async (bundle: string) => {
      const already = this.trusted === bundle;
      this.trusted = bundle;
      return already;
    },
  };
  readonly keeper = new CertificateKeeper({
    secret: this.secret,
    trust: this.trust,
    names: ['a.svc'],
    clock: this.clock,
    log: silent,
  });
}

describe('certificates over ten years of passes', () => {
  test('are trusted before they are shown, and never near their end', async () => {
    const world = new World();
    const steps = new Map<string, number>();
    const untrusted: number[] = [];
    const end = world.now + 10 * 365 * DAY_MS;
    for (; world.now < end; world.now += 5 * DAY_MS) {
      const trustedBefore = world.trusted;
      const shown = world.held?.serving.cert;
      const step = await world.keeper.pass(SIGNAL);
      steps.set(String(step), (steps.get(String(step)) ?? 0) + 1);
      const { held } = world;
      if (held === null) throw new Error('nothing is held');
      const leftMs = (look(held.serving)?.notAfter.getTime() ?? 0) - world.now;
      expect(leftMs).toBeGreaterThan(LIFETIMES.servingLeftMs - 6 * DAY_MS);
      expect(world.trusted).toContain(held.issuer.cert.trim());
      // Of an authority that the API server knew before this pass, since it takes a moment to take a bundle up.
      const isNew = shown !== held.serving.cert && step !== 'begin';
      if (isNew && !trustedBefore.includes(held.issuer.cert.trim())) untrusted.push(world.now);
    }
    expect(untrusted).toEqual([]);
    expect(steps.get('begin')).toBe(1);
    expect(steps.get('promote')).toBe(steps.get('prepare'));
    expect(steps.get('promote')).toBeGreaterThanOrEqual(3);
    expect(steps.get('renew')).toBeGreaterThan(40);
  });

  test('give way to what another leader wrote', async () => {
    const world = new World();
    world.contended = true;
    expect(await world.keeper.pass(SIGNAL)).toBeNull();
    expect([world.held, world.trusted]).toEqual([null, '']);
  });

  test('are published again when somebody took them out of the configuration', async () => {
    const world = new World();
    await world.keeper.pass(SIGNAL);
    world.trusted = '';
    expect(await world.keeper.pass(SIGNAL)).toBeNull();
    expect(world.trusted).toBe(world.held?.bundle);
  });
});

describe('a replica', () => {
  test('takes each certificate up once, and again when it could not be used', async () => {
    const world = new World();
    const source = new ServingCertificate(world.secret, world.clock, silent);
    const used: string[] = [];
    const use = async ({ cert }: { readonly cert: string }): Promise<void> => void used.push(cert);
    await source.look(use, SIGNAL);
    expect(used).toEqual([]);
    await world.keeper.pass(SIGNAL);
    await expect(source.look(async () => Promise.reject(new Error('port')), SIGNAL)).rejects.toThrow('port');
    await source.look(use, SIGNAL);
    await source.look(use, SIGNAL);
    expect(used).toEqual([world.held?.serving.cert]);
  });

  test('passes over a certificate with the key of another', async () => {
    const world = new World();
    await world.keeper.pass(SIGNAL);
    const { held } = world;
    if (held === null) throw new Error('nothing is held');
    world.held = { ...held, serving: { cert: held.serving.cert, key: held.issuer.key } };
    const source = new ServingCertificate(world.secret, world.clock, silent);
    await expect(source.look(async () => undefined, SIGNAL)).rejects.toMatchObject({
      code: expect.any(String),
    });
  });
});
