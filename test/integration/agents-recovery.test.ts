import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Harbour } from '../support/harbour.ts';
import { eventually } from '../support/managed-process.ts';

/** What a person may ask an agent for when a migration has gone wrong. */

let harbour: Harbour;

beforeAll(async () => {
  harbour = await Harbour.open({ devices: 2 });
});

afterAll(async () => {
  await harbour[Symbol.asyncDispose]();
});

const signal = (): AbortSignal => AbortSignal.timeout(180_000);

test('the sessions of a node are listed, page by page', async () => {
  const { client } = harbour.source.shore;
  const uids = Array.from({ length: 103 }, (_, index) => `uid-${String(index).padStart(3, '0')}`);
  const attach = { role: 'source', command: { kind: 'attach' } } as const;
  for (const uid of uids) {
    await client.command(
      { header: { uid, fence: 1, sequence: 1, operator: 'a-test' }, ...attach },
      0,
      signal(),
    );
  }
  const voyage = harbour.voyage();
  await voyage.prepare(1);
  const all = await client.listSessions(false, signal());
  expect(all.map(({ uid }) => uid).filter((uid) => uid.startsWith('uid-'))).toEqual(uids);
  const bound = await client.listSessions(true, signal());
  expect(bound.map(({ phase, devices }) => [phase, devices.length])).toEqual([['Prepared', 2]]);
  await voyage.order('target', { kind: 'discard', decision: 'Undecided' }, 'Discarded');
  await voyage.order('source', { kind: 'rollBack', decision: 'Undecided' }, 'RolledBack');
});

test('only an operator may list sessions or end a quarantine', async () => {
  const client = await harbour.source.agent.client(harbour.pki.node('gpu-b'));
  const refused = { code: 'AgentUnreachable', status: 'PERMISSION_DENIED' };
  await expect(client.listSessions(false, signal())).rejects.toMatchObject(refused);
  await expect(client.endQuarantine('gpu-a/0', '', signal())).rejects.toMatchObject(refused);
  client.close();
});

test('a device in quarantine is brought back, others are left alone', async () => {
  await harbour.voyage().prepare(1);
  await harbour.target.agent.process.kill();
  await rm(harbour.target.agent.stateDir, { recursive: true });
  await harbour.target.restartAgent();
  const { client } = harbour.target.shore;
  const health = async () => (await client.describe([], signal())).devices.map((device) => device.health);
  await eventually('every device was looked at', 180_000, async () =>
    (await health()).includes('Unreachable') ? null : true,
  );
  expect(await health()).toEqual(['Quarantined', 'Quarantined']);

  await harbour.target.emulator.control.fault(0, 'fail-reset');
  const kept = await client.endQuarantine('gpu-b/0', '', signal());
  expect(kept).toMatchObject({
    refusal: { code: 'ResetFailed', device: 'gpu-b/0' },
    device: {
      id: 'gpu-b/0',
      health: 'Quarantined',
      code: 'StateUnexplained',
      quarantine: { code: 'StateUnexplained', migrationUid: '', since: expect.stringMatching(/^20.*Z$/) },
    },
  });
  await harbour.target.emulator.control.clear(0);
  const freed = await client.endQuarantine('gpu-b/0', '', signal());
  expect(freed).toMatchObject({
    refusal: null,
    device: { health: 'Healthy', state: 'Running', reason: '', quarantine: null },
  });
  expect(await health()).toEqual(['Healthy', 'Quarantined']);

  expect(await client.endQuarantine('gpu-b/0', '', signal())).toMatchObject({
    refusal: { code: 'NotQuarantined' },
  });
  expect(await client.endQuarantine('gpu-b/9', '', signal())).toMatchObject({
    refusal: { code: 'DeviceNotFound' },
    device: null,
  });
});

test('a quarantine outlives the agent, and one that cannot be read withholds every device', async () => {
  const { agent, emulator, shore } = harbour.target;
  const list = join(agent.stateDir, 'quarantine.json');
  const told = async (): Promise<string[]> => {
    const { devices } = await harbour.target.shore.client.describe([], signal());
    return devices.map(({ health, quarantine }) => quarantine?.code ?? health);
  };
  const restart = async (): Promise<string[]> => {
    await harbour.target.agent.process.kill();
    await harbour.target.restartAgent();
    return eventually('every device was looked at', 180_000, async () => {
      const now = await told();
      return now.includes('Unreachable') ? null : now;
    });
  };
  const end = async (id: string) =>
    (await harbour.target.shore.client.endQuarantine(id, '', signal())).refusal;
  expect(await end('gpu-b/1')).toBeNull();
  expect(await told()).toEqual(['Healthy', 'Healthy']);

  await emulator.control.fault(0, 'fail-reset');
  const uid = 'a-reset-that-fails';
  const pull = { endpoint: agent.endpoint, node: 'gpu-a', ticket: 'of-no-source-at-all', bandwidthLimit: 0 };
  const header = { uid, fence: 1, operator: 'a-test' };
  const prepare = { kind: 'prepare', generation: 1, devices: ['gpu-b/0', 'gpu-b/1'], pull } as const;
  const request = { header: { ...header, sequence: 1 }, role: 'target', command: prepare } as const;
  const { session, refusal } = await shore.client.command(request, 60_000, signal());
  expect(refusal).toBeNull();
  expect(session.devices.map(({ quarantined }) => quarantined)).toEqual([true, false]);
  const discard = { kind: 'discard', decision: 'Undecided' } as const;
  await shore.client.command(
    { header: { ...header, sequence: 2 }, role: 'target', command: discard },
    60_000,
    signal(),
  );
  expect(await restart()).toEqual(['ResetFailed', 'Healthy']);

  const whole = await readFile(list);
  await writeFile(list, whole.subarray(0, whole.length / 2));
  // The session still tells of the first one.
  expect(await restart()).toEqual(['ResetFailed', 'QuarantineUnreadable']);
  await emulator.control.clear(0);
  expect([await end('gpu-b/0'), await end('gpu-b/1')]).toEqual([null, null]);
  expect(await restart()).toEqual(['Healthy', 'Healthy']);
});
