import { expect, test } from '@jest/globals';
import { goodManifest } from '../../../support/bad-manifests.ts';
import { Loop } from './loop.ts';
import { MemoryStore } from './memory-store.ts';

/** A loop whose target falls silent for good at this command. */
async function silencedAt(command: 'verify' | 'activate', shutDown: readonly string[]): Promise<Loop> {
  const manifest = goodManifest();
  const spec = { ...manifest.spec, strategy: { mode: 'StopCopy' } };
  const loop = new Loop(new MemoryStore({ ...manifest, spec }));
  for (const node of shutDown) loop.outOfService.add(node);
  const obey = loop.target.command.bind(loop.target);
  loop.target.command = (request) => {
    if (request.command.kind === command) loop.target.silent = true;
    return obey(request);
  };
  return loop.run(60);
}

test('an aborted migration ends without a target whose node is shut down', async () => {
  const loop = await silencedAt('verify', ['gpu-b']);
  expect(loop.store.stored?.status).toMatchObject({
    phase: 'Failed',
    decision: { value: 'Abort' },
    error: { code: 'AgentUnreachable' },
  });
  expect(loop.source.node.states).toEqual(['Running', 'Running']);
  expect(new Set(loop.asked)).toEqual(new Set(['gpu-b']));
});

test('a node that is shut down is asked about only when it is the one that is waited for', async () => {
  const loop = await silencedAt('verify', ['gpu-a']);
  expect(loop.phase).toBe('RollingBack');
  const undisturbed = await new Loop().run();
  expect(undisturbed.phase).toBe('Succeeded');
  expect(undisturbed.asked).toEqual([]);
});

test('a target that may have been activated is lost with its node, and the source stays stopped', async () => {
  const loop = await silencedAt('activate', ['gpu-b']);
  expect(loop.store.stored?.status).toMatchObject({
    phase: 'Failed',
    decision: { value: 'Commit' },
    error: { code: 'TargetLost' },
  });
  expect(loop.source.node.phase).toBe('Stopped');
  expect(loop.source.node.states).toEqual(['StopCopy', 'StopCopy']);
});
