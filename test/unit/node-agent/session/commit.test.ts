import { expect, test } from '@jest/globals';
import { decodeRecord } from '@transship/node-agent/internal/journal/record';
import { endedStreams, totalsOf } from '../../../support/core-facts.ts';
import { AgentInMemory } from '../support/agent-in-memory.ts';
import { FakeDevice } from '../support/fake-device.ts';
import { settle } from '../support/manual-clock.ts';

test('a source takes commit down without a look at its devices, for which the target would have to wait', async () => {
  const devices = [FakeDevice.healthy('a/0'), FakeDevice.healthy('a/1')];
  const agent = new AgentInMemory(devices);
  await agent.prepareSource();
  await agent.send('source', { kind: 'quiesce', timeoutMs: 5_000, waitOnTimeout: false }, 1_000);
  await agent.send('source', { kind: 'stop', generation: 1 });
  await settle();
  agent.streams.saves.at(-1)?.listener.onProgress(endedStreams(totalsOf(2, 1)));
  await settle();
  expect(agent.session()).toMatchObject({ phase: 'Stopped' });
  const looks: string[] = [];
  for (const device of devices) {
    device.observe = () => {
      looks.push(device.id);
      return new Promise(() => undefined);
    };
  }
  const answer = agent.send('source', { kind: 'commit', decision: 'Commit' }, 1_000);
  await settle();
  expect(looks).toEqual([]);
  await expect(answer).resolves.toMatchObject({
    refusal: null,
    session: { phase: 'Stopped', decision: 'Commit' },
  });
  const onDisk = decodeRecord(agent.disk.files.get('/state/uid-1.session') ?? Buffer.alloc(0));
  expect(onDisk).toMatchObject({ ok: true, record: { session: { decisionSeen: 'Commit' } } });
});
