import { expect, test } from '@jest/globals';
import { listDevices, MAX_LIST_BYTES } from '@transship/node-agent/internal/pods/kubelet';
import { expectEventually } from '../../operator/support/eventually.ts';
import { claim, encode, KubeletSocket, plugin, pod } from '../support/kubelet-socket.ts';

const list = (socket: KubeletSocket, signal = new AbortController().signal) =>
  listDevices(socket.path, signal);

const silent = (part: string) => ({ name: 'KubeletSilent', message: expect.stringContaining(part) });

test('tells the devices of plugins and of claims, whatever else the kubelet says of a pod', async () => {
  await using kubelet = await KubeletSocket.create();
  await kubelet.answer(
    pod(
      'ml',
      'trainer-0',
      [
        plugin('nvidia.com/GH100', '0000:3B:00.0', '3c:00.0'),
        [3, 4],
        [3, 5],
        [
          4,
          [
            [1, 'memory'],
            [2, 4096],
          ],
        ],
      ],
      // Containers of a pod may share a claim.
      [claim('gpu.example.com', 'gpu-a', 'pci-0000-3d-00-0')],
      [claim('gpu.example.com', 'gpu-a', 'pci-0000-3d-00-0')],
    ),
    pod('kube-system', 'proxy.node-1', []),
    pod('ml', 'bare'),
  );
  const trainer = { namespace: 'ml', name: 'trainer-0' };
  const driver = 'gpu.example.com';
  expect(await list(kubelet)).toEqual([
    {
      ...{ pod: trainer, resource: 'nvidia.com/GH100', claimed: null },
      ...{ names: ['0000:3B:00.0'], address: '0000:3b:00.0' },
    },
    {
      ...{ pod: trainer, resource: 'nvidia.com/GH100', claimed: null },
      ...{ names: ['3c:00.0'], address: '0000:3c:00.0' },
    },
    {
      pod: trainer,
      resource: driver,
      names: [`${driver}/gpu-a/pci-0000-3d-00-0`, 'gpu-a/pci-0000-3d-00-0', 'pci-0000-3d-00-0'],
      address: '0000:3d:00.0',
      claimed: { driver, pool: 'gpu-a', device: 'pci-0000-3d-00-0' },
    },
  ]);
});

test('tells of no devices where no pod has any', async () => {
  await using kubelet = await KubeletSocket.create();
  await kubelet.answer();
  expect(await list(kubelet)).toEqual([]);
});

test('says where the kubelet was looked for when there is no socket, or nobody listens', async () => {
  await using kubelet = await KubeletSocket.create();
  await expect(list(kubelet)).rejects.toMatchObject(silent(kubelet.path));
});

test('gives a kubelet up that accepts and never speaks, and lets go of it', async () => {
  await using kubelet = await KubeletSocket.create();
  const { connections } = await kubelet.listen(() => undefined);
  await expect(list(kubelet)).rejects.toMatchObject(silent('Deadline exceeded'));
  await expectEventually(() => connections.size === 0);
});

test('gives a kubelet up that takes the call and never answers', async () => {
  await using kubelet = await KubeletSocket.create();
  await kubelet.serve(() => undefined);
  await expect(list(kubelet)).rejects.toMatchObject(silent('Deadline exceeded'));
});

test('takes no more than the kubelet may say', async () => {
  await using kubelet = await KubeletSocket.create();
  const filler = encode([[9, Buffer.alloc(MAX_LIST_BYTES - 1024)]]);
  await kubelet.serve((_, done) => done(null, filler));
  expect(await list(kubelet)).toEqual([]);
  await kubelet.serve((_, done) => done(null, Buffer.concat([filler, filler])));
  await expect(list(kubelet)).rejects.toMatchObject(silent('larger'));
});

test.each([
  ['bytes that are no message', encode([[1, Buffer.from('ff'.repeat(40), 'hex')]]), ''],
  ['a pod without a name', encode([pod('ml', '', [plugin('a.com/b', '0')])]), 'name'],
  ['a name that no pod has', encode([pod('ml', '../etc', [plugin('a.com/b', '0')])]), 'name'],
  ['a device without an id', encode([pod('ml', 'a', [plugin('a.com/b', '')])]), 'deviceIds'],
  [
    'more devices than a node has',
    encode([
      pod('ml', 'a', [plugin('a.com/b', ...Array.from({ length: 16_385 }, (_, index) => `${index}`))]),
    ]),
    'more than 16384',
  ],
])('uses nothing of %s', async (_, answer, part) => {
  await using kubelet = await KubeletSocket.create();
  await kubelet.serve((__, done) => done(null, answer));
  await expect(list(kubelet)).rejects.toMatchObject(silent(part));
});

test('is not confused by what is no gRPC', async () => {
  await using kubelet = await KubeletSocket.create();
  const { connections } = await kubelet.listen((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await expect(list(kubelet)).rejects.toMatchObject(silent(kubelet.path));
  await expectEventually(() => connections.size === 0);
});

test('finds a kubelet that was started again', async () => {
  await using kubelet = await KubeletSocket.create();
  await kubelet.answer(pod('ml', 'a', [plugin('a.com/b', '0')]));
  expect(await list(kubelet)).toHaveLength(1);
  await kubelet.stop();
  await expect(list(kubelet)).rejects.toMatchObject(silent(kubelet.path));
  await kubelet.answer(pod('ml', 'a', [plugin('a.com/b', '0', '1')]));
  expect(await list(kubelet)).toHaveLength(2);
});

test('ends at once when nobody waits any more', async () => {
  await using kubelet = await KubeletSocket.create();
  const gone = new AbortController();
  await kubelet.serve(() => gone.abort(new Error('nobody waits')));
  await expect(list(kubelet, gone.signal)).rejects.toThrow('nobody waits');
});
