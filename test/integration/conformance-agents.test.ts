import { describe, expect, test } from '@jest/globals';
import { AgentPair } from './conformance/agent-pair.ts';

/** More than the set holds: pre-copy is left as soon as something has moved. */
const PRE_COPY_LEFT = 8 * 1024 * 1024;
const QUIESCE = { kind: 'quiesce', timeoutMs: 60_000, waitOnTimeout: false } as const;

describe('V1-15, V1-26, V1-27, V1-51, V1-56: a set that moves under traffic', () => {
  test.each([
    ['with pre-copy', true],
    ['without', false],
  ])('%s: no rule is broken on either side, nothing is lost, and it goes on', async (_, preCopy) => {
    await using pair = await AgentPair.start();
    const voyage = pair.voyage();
    await voyage.prepare(1);
    await pair.expectSilentMonitors();
    if (preCopy) await voyage.preCopy(1, PRE_COPY_LEFT);
    await pair.slow('source', preCopy ? '0xB' : '0x9');
    await pair.step(voyage, 'source', QUIESCE, 'Quiesced');
    const stopped = await pair.step(voyage, 'source', { kind: 'stop', generation: 1 }, 'Stopped');
    await voyage.verify(stopped);
    await pair.expectSilentMonitors();
    expect(await pair.digests('target')).toEqual(await pair.digests('source'));
    await pair.slow('target', '0x9');
    await pair.step(voyage, 'target', { kind: 'activate', decision: 'Commit' }, 'Active');
    await pair.step(voyage, 'source', { kind: 'release', decision: 'Commit' }, 'Released');
    await pair.expectSetRuns('target');
    await pair.expectReset('source');
  });
});

describe('V1-57: a migration that is aborted', () => {
  test.each([
    ['before anything moved', 'Prepared'],
    ['in pre-copy', 'PreCopy'],
    ['behind barrier A', 'Quiesced'],
    ['with everything stopped', 'Stopped'],
  ] as const)('%s ends with the source set running and every target device RESET', async (_, phase) => {
    await using pair = await AgentPair.start();
    const voyage = pair.voyage();
    await voyage.prepare(1);
    if (phase !== 'Prepared') await voyage.preCopy(1, PRE_COPY_LEFT);
    if (phase === 'Quiesced' || phase === 'Stopped') await pair.step(voyage, 'source', QUIESCE, 'Quiesced');
    if (phase === 'Stopped') await pair.step(voyage, 'source', { kind: 'stop', generation: 1 }, 'Stopped');
    const decision = phase === 'Stopped' ? 'Abort' : 'Undecided';
    await pair.step(voyage, 'source', { kind: 'rollBack', decision }, 'RolledBack');
    // Its pulls may have failed meanwhile, as the source serves nothing more; that error stays to be read.
    const { refusal, session } = await voyage.send('target', { kind: 'discard', decision });
    expect({ refusal, phase: session.phase }).toEqual({ refusal: null, phase: 'Discarded' });
    await pair.expectSetRuns('source');
    await pair.expectReset('target');
    await pair.expectSilentMonitors();
  });
});
