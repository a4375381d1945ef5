import { expect, test } from '@jest/globals';
import { runRecover } from '../support/recover-program.ts';
import { TwoNodes } from '../support/two-nodes.ts';

const devices = [0, 1];
const RECOVER = ['--device', 'gpu-a/1', '--node', 'gpu-a'];

test('a device whose RESET failed is handed out again once it can be reset', async () => {
  await using nodes = await TwoNodes.start({ devices: 2 });
  expect(await runRecover(nodes, ...RECOVER, '--yes')).toMatchObject({
    code: 4,
    said: expect.stringContaining('is not in quarantine'),
  });
  await nodes.source.control.fault(1, 'ignore-reset');
  await nodes.apply('away', { devices });
  expect((await nodes.ended('away')).phase).toBe('Succeeded');

  const looked = await runRecover(nodes, ...RECOVER);
  expect(looked).toMatchObject({ code: 3, said: expect.stringContaining('ResetFailed') });
  expect(await runRecover(nodes, ...RECOVER, '--yes')).toMatchObject({
    code: 1,
    said: expect.stringContaining('ResetFailed'),
  });
  await nodes.source.control.clear(1);
  // The operator of the folder works on: a quarantine is no affair of its records.
  expect(await runRecover(nodes, ...RECOVER, '--yes')).toMatchObject({ code: 0 });
  await nodes.apply('home', { devices, from: 'gpu-b', to: 'gpu-a' });
  expect((await nodes.ended('home')).phase).toBe('Succeeded');
});
