import { expect, test } from '@jest/globals';
import { DeviceWatch } from '@transship/node-agent/internal/session/device-watch';
import type { SessionRegistry } from '@transship/node-agent/internal/session/registry';
import { AgentInMemory } from '../support/agent-in-memory.ts';
import { FakeDevice, fakeDevices } from '../support/fake-device.ts';
import { settle } from '../support/manual-clock.ts';

const PRE_COPY = { kind: 'preCopy', generation: 1 } as const;

test('a session is watched although an earlier one of its migration ended before a look had its turn', async () => {
  const device = FakeDevice.healthy('a/0');
  const first = new AgentInMemory([device]);
  await first.prepareSource();
  let current = first;
  const registry = Object.create(first.registry, {
    runners: { get: () => current.registry.runners },
    assess: { value: () => Promise.resolve() },
  }) as SessionRegistry;
  const watch = new DeviceWatch(registry, fakeDevices(device), first.clock);
  // The look waits behind a command that waits for the disk.
  const letGo = first.disk.hold();
  const refused = first.send('source', PRE_COPY).catch((error: unknown) => error);
  await settle();
  await watch.look();
  first.registry.stop();
  letGo();
  expect(await refused).toMatchObject({ name: 'SessionUnavailable' });
  await settle();

  current = new AgentInMemory([device]);
  await current.prepareSource();
  device.life += 1;
  await watch.look();
  await settle();
  expect(current.session()).toMatchObject({ devices: [{ lost: true }], error: { code: 'DeviceStateLost' } });
});
