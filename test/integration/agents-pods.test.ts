import { expect, test } from '@jest/globals';
import type { NodeDescription } from '@transship/node-agent/contract';
import { Harbour } from '../support/harbour.ts';
import { KubeletSocket, plugin, pod } from '../unit/node-agent/support/kubelet-socket.ts';
import { expectEventually } from '../unit/operator/support/eventually.ts';

const RESOURCE = 'transship.dev/emulated';

test('an agent tells which pods have its devices, and goes on without a kubelet that falls silent', async () => {
  await using kubelet = await KubeletSocket.create();
  await using harbour = await Harbour.open({
    agents: ['--pod-resources', kubelet.path, '--pod-resource-names', RESOURCE],
  });
  const describe = (): Promise<NodeDescription> =>
    harbour.source.shore.client.describe([], AbortSignal.timeout(60_000));
  const until = async (check: (node: NodeDescription) => boolean): Promise<NodeDescription> => {
    let seen = await describe();
    await expectEventually(async () => check((seen = await describe())));
    return seen;
  };

  // The agent was there first.
  expect(await describe()).toMatchObject({ podResources: { known: false } });
  await kubelet.answer(pod('ml', 'trainer-0', [plugin(RESOURCE, '0')], [plugin(RESOURCE, '1', '7')]));
  const told = await until(({ podResources }) => podResources?.known === true);
  const trainer = { namespace: 'ml', name: 'trainer-0' };
  expect(told.devices.map((device) => device.pod)).toEqual([trainer, trainer]);
  expect(told.podResources?.unknownDevices).toMatchObject([
    { pod: trainer, resource: RESOURCE, device: '7' },
  ]);

  const voyage = harbour.voyage();
  await voyage.prepare(1);
  await kubelet.listen(() => undefined);
  const silent = await until(({ podResources }) => podResources?.known === false);
  expect(silent.devices.map((device) => device.pod)).toEqual([null, null]);
  expect(silent.devices.map(({ health }) => health)).toEqual(['Healthy', 'Healthy']);
  await voyage.verify(await voyage.stop(1));
  await voyage.commit();

  await kubelet.answer();
  await until(({ podResources }) => podResources?.known === true);
});
