import { rm } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { Harbour } from '../support/harbour.ts';
import { eventually } from '../support/managed-process.ts';

const MiB = 1024 * 1024;
const PRE_COPY_LEFT = 4 * MiB;

/** The set runs on `port`, nothing was lost on the way, and no rule was broken on either side. */
async function expectRunningOn(harbour: Harbour, side: 'source' | 'target'): Promise<void> {
  const { control } = harbour[side].emulator;
  const before = await control.links();
  await eventually(`traffic on the ${side}`, 60_000, async () => {
    const links = await control.links();
    const isMoving = links.every(({ received }, index) => received > (before[index]?.received ?? 0));
    return links.length > 0 && isMoving ? true : null;
  });
  for (const { from, to, lost, gaps, doubles } of await control.links()) {
    expect({ from, to, lost, gaps, doubles }).toEqual({ from, to, lost: 0, gaps: 0, doubles: 0 });
  }
  expect(await control.workload()).toMatchObject({ phase: 'Live', frozen: false });
  for (const { emulator } of [harbour.source, harbour.target]) {
    expect({ node: emulator.node, violations: await emulator.control.violations() }).toEqual({
      node: emulator.node,
      violations: [],
    });
  }
}

const statesOf = async (harbour: Harbour, side: 'source' | 'target'): Promise<string[]> =>
  (await harbour[side].emulator.control.devices()).map(({ state }) => state);

describe('two agents', () => {
  test('move a set of two devices: digests equal, nothing lost, no rule broken', async () => {
    await using harbour = await Harbour.open({ memory: '64M', sourceEmulator: ['--dirty-rate', '8M'] });
    const voyage = harbour.voyage();
    await voyage.prepare(1);
    await voyage.preCopy(1, PRE_COPY_LEFT);
    const stopped = await voyage.stop(1);
    const left = await harbour.digests(harbour.source);
    await voyage.verify(stopped);
    expect(await harbour.digests(harbour.target)).toEqual(left);
    await voyage.commit();

    await expectRunningOn(harbour, 'target');
    expect((await harbour.source.emulator.control.workload()).phase).toBe('Ended');
    expect(await statesOf(harbour, 'source')).toEqual(['Running', 'Running']);
  });

  test('move a set without pre-copy', async () => {
    await using harbour = await Harbour.open();
    const voyage = harbour.voyage();
    await voyage.prepare(1);
    const stopped = await voyage.stop(1);
    const left = await harbour.digests(harbour.source);
    await voyage.verify(stopped);
    expect(await harbour.digests(harbour.target)).toEqual(left);
    await voyage.commit();
    await expectRunningOn(harbour, 'target');
  });

  test('bring a stopped set back on a recorded Abort', async () => {
    await using harbour = await Harbour.open();
    const voyage = harbour.voyage();
    await voyage.prepare(1);
    await voyage.preCopy(1, PRE_COPY_LEFT);
    const stopped = await voyage.stop(1);
    await voyage.verify(stopped);
    const { refusal } = await voyage.send('source', { kind: 'rollBack', decision: 'Undecided' });
    expect(refusal?.code).toBe('IllegalPhase');
    await voyage.order('source', { kind: 'rollBack', decision: 'Abort' }, 'RolledBack');
    await voyage.order('target', { kind: 'discard', decision: 'Abort' }, 'Discarded');
    await expectRunningOn(harbour, 'source');
    expect(await statesOf(harbour, 'target')).toEqual(['Running', 'Running']);
  });

  test('move a set on over a bandwidth limit', async () => {
    await using harbour = await Harbour.open({ devices: 1, memory: '8M' });
    const voyage = harbour.voyage();
    const begin = Date.now();
    await voyage.prepare(1, 8 * MiB);
    const stopped = await voyage.stop(1);
    await voyage.verify(stopped);
    // 8 MiB and some at 8 MiB a second, of which a tenth may go at once.
    expect(Date.now() - begin).toBeGreaterThan(850);
    await voyage.commit();
  });
});

describe('an agent that is killed', () => {
  test('while the target loads costs a generation, not the migration', async () => {
    await using harbour = await Harbour.open();
    const voyage = harbour.voyage();
    await voyage.prepare(1);
    await voyage.preCopy(1, PRE_COPY_LEFT);
    await harbour.target.agent.process.kill();
    await harbour.target.restartAgent();
    const halted = await voyage.reach('target', 'Loading');
    expect(halted).toMatchObject({ settled: true, error: { code: 'AgentRestarted' } });

    const { endpoint, node } = voyage.source;
    const { ticket } = (await voyage.send('source', { kind: 'attach' })).session;
    await voyage.order('source', { kind: 'preCopy', generation: 2 }, 'PreCopy');
    await voyage.prepareTarget(2, { endpoint, node, ticket, bandwidthLimit: 0 });
    await voyage.converge(PRE_COPY_LEFT);
    const stopped = await voyage.stop(2);
    const left = await harbour.digests(harbour.source);
    await voyage.verify(stopped);
    expect(await harbour.digests(harbour.target)).toEqual(left);
    await voyage.commit();
    await expectRunningOn(harbour, 'target');
  });

  test('after the source has promised keeps the promise', async () => {
    await using harbour = await Harbour.open();
    const voyage = harbour.voyage();
    await voyage.prepare(1);
    await voyage.preCopy(1, PRE_COPY_LEFT);
    const stopped = await voyage.stop(1);
    await voyage.until('target', 'every stream arrived', ({ streams }) =>
      streams.every(({ ended }) => ended),
    );
    await harbour.source.agent.process.kill();
    await harbour.source.restartAgent();
    const { session } = await voyage.send('source', { kind: 'attach' });
    expect(session).toMatchObject({ phase: 'Stopped', error: null });
    expect(session.streams.map(({ totals }) => totals)).toEqual(stopped.streams.map(({ totals }) => totals));
    await voyage.verify(session);
    await voyage.commit();
    await expectRunningOn(harbour, 'target');
  });

  test('before the stop turns its source round when it is back', async () => {
    await using harbour = await Harbour.open();
    const voyage = harbour.voyage();
    await voyage.prepare(1);
    await voyage.order('source', { kind: 'preCopy', generation: 1 }, 'PreCopy');
    await voyage.order('source', { kind: 'quiesce', timeoutMs: 60_000, waitOnTimeout: false }, 'Quiesced');
    await harbour.source.agent.process.kill();
    expect((await harbour.source.emulator.control.workload()).frozen).toBe(true);
    await harbour.source.restartAgent();
    await voyage.reach('source', 'RolledBack');
    await expectRunningOn(harbour, 'source');
  });

  test('on the target after its promise goes on to the activation', async () => {
    await using harbour = await Harbour.open();
    const voyage = harbour.voyage();
    await voyage.prepare(1);
    const stopped = await voyage.stop(1);
    await voyage.verify(stopped);
    await harbour.target.agent.process.kill();
    await harbour.target.restartAgent();
    expect((await voyage.send('target', { kind: 'attach' })).session).toMatchObject({
      phase: 'Verified',
      error: null,
    });
    await voyage.commit();
    await expectRunningOn(harbour, 'target');
  });
});

describe('an agent', () => {
  test('ends in good order while a device call blocks, and goes on from its journal', async () => {
    await using harbour = await Harbour.open();
    const voyage = harbour.voyage();
    await voyage.prepare(1);
    await voyage.order('source', { kind: 'preCopy', generation: 1 }, 'PreCopy');
    // It becomes quiet only when its workload is thawed, or when the fault is taken back.
    await harbour.source.emulator.control.fault(0, 'pri');
    await voyage.send('source', { kind: 'quiesce', timeoutMs: 600_000, waitOnTimeout: false }, 0);
    await eventually('the other device is quiet', 60_000, async () =>
      (await statesOf(harbour, 'source'))[1] === 'PreCopyP2P' ? true : null,
    );
    await harbour.source.agent.process.stop();
    expect(harbour.source.agent.process.exitCode).toBe(0);
    expect(await statesOf(harbour, 'source')).toEqual(['PreCopy', 'PreCopyP2P']);
    await harbour.source.emulator.control.clear(0);
    await harbour.source.restartAgent();
    await voyage.until('source', 'the way back', ({ phase }) => phase === 'RolledBack');
    await expectRunningOn(harbour, 'source');
  });

  test('finds out that a device was reset behind its back, and rolls the rest back', async () => {
    await using harbour = await Harbour.open();
    const voyage = harbour.voyage();
    await voyage.prepare(1);
    await harbour.source.emulator.control.deviceReset(1);
    const { error, devices } = await voyage.reach('source', 'RolledBack');
    expect(error).toMatchObject({ code: 'DeviceStateLost', device: 'gpu-a/1' });
    expect(devices.map(({ lost }) => lost)).toEqual([false, true]);
  });

  test('puts a device into quarantine that it finds stopped without a journal', async () => {
    await using harbour = await Harbour.open();
    const voyage = harbour.voyage();
    await voyage.prepare(1);
    await harbour.target.agent.process.kill();
    await rm(harbour.target.agent.stateDir, { recursive: true });
    await harbour.target.restartAgent();
    const { devices } = await harbour.target.shore.client.describe([], AbortSignal.timeout(60_000));
    expect(devices.map(({ health }) => health)).toEqual(['Quarantined', 'Quarantined']);
    const resets = (await harbour.target.emulator.control.devices()).map((device) => device.resets);
    expect(resets).toEqual([1, 1]);
  });

  test('describes its devices', async () => {
    await using harbour = await Harbour.open({ sourceEmulator: ['--no-ndma', '1', '--no-reset', '0'] });
    const node = await harbour.source.shore.client.describe([], AbortSignal.timeout(60_000));
    expect(node).toMatchObject({
      nodeName: 'gpu-a',
      transferEndpoint: harbour.source.agent.endpoint,
      devices: [
        {
          id: 'gpu-a/0',
          protocol: 'v1',
          p2p: true,
          preCopy: true,
          resetSupported: false,
          state: 'Running',
          health: 'Healthy',
        },
        { id: 'gpu-a/1', p2p: false, resetSupported: true, notMigratable: '', migrationUid: '' },
      ],
    });
    expect(node.devices[0]?.notMigratable).toContain('RESET');
  });
});
