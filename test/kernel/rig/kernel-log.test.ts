/** The check that no test of this suite passes by: does it see what a kernel really says when it is hurt? */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { eventually } from '../../support/managed-process.ts';
import { guestAssets } from './assets.ts';
import { Guest } from './guest.ts';
import { complaintsIn, taintsOf } from './kernel-log.ts';
import { startQemu } from './qemu.ts';

describe('complaints', () => {
  test.each([
    '[  12.3] WARNING: CPU: 0 PID: 97 at drivers/vfio/vfio_main.c:317 vfio_register+0x1/0x2 [vfio]',
    '[  12.3] BUG: kernel NULL pointer dereference, address: 0000000000000010',
    '[  12.3] kernel BUG at mm/slub.c:533!',
    '[  12.3] Oops: Oops: 0000 [#1] PREEMPT SMP PTI',
    '[  12.3] general protection fault, probably for non-canonical address 0xdead000000000122',
    '[  12.3] Call Trace:',
    '[  12.3] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:',
    '[  12.3] rcu: INFO: rcu_preempt self-detected stall on CPU',
    '[  12.3] INFO: task node:97 blocked for more than 120 seconds.',
    '[  12.3] watchdog: BUG: soft lockup - CPU#0 stuck for 121s! [node:97]',
    '[  12.3] refcount_t: underflow; use-after-free.',
    '[  12.3] list_del corruption. prev->next should be ffff888, but was ffff889',
    '[  12.3] UBSAN: shift-out-of-bounds in drivers/vfio/x.c:1:2',
    '[  12.3] DMAR: [DMA Read NO_PASID] Request device [00:03.0] fault addr 0x0 [fault reason 0x06]',
    '[  12.3] Out of memory: Killed process 97 (node)',
    '[  12.3] Kernel panic - not syncing: Fatal exception',
  ])('%s', (line) => {
    expect(complaintsIn(`guest: ready\n${line}\nguest: on`)).toEqual([line]);
  });

  test.each([
    '[    1.4] amd_pstate: the _CPC object is not present in SBIOS or ACPI disabled',
    '[   20.0] iommufd: loading out-of-tree module taints kernel.',
    'control server: listening on 7000',
    '[   53.2] vfio-pci 0000:00:03.0: MSI interrupts are not secure, they cannot be isolated by the platform.',
  ])('none: %s', (line) => {
    expect(complaintsIn(line)).toEqual([]);
  });

  test('taints of modules from out of tree are none, those of a warning and an oops are', () => {
    expect(taintsOf((1 << 12) | (1 << 13))).toEqual([]);
    expect(taintsOf((1 << 7) | (1 << 9))).toEqual(['taint 7: died: oops or BUG', 'taint 9: warning']);
  });
});

test('a kernel that is tainted and then crashes is heard', async () => {
  await using stack = new AsyncDisposableStack();
  const workDir = await mkdtemp(join(tmpdir(), 'transship-crash-'));
  stack.defer(() => rm(workDir, { recursive: true }));
  const qemu = await startQemu({ name: 'crash', set: 'group', assets: await guestAssets(), workDir });
  stack.defer(() => qemu.process.kill());
  const guest = stack.use(await Guest.connect(qemu.description));
  expect(await guest.complaints()).toEqual([]);
  await guest.write('/proc/sys/kernel/tainted', String(1 << 9));
  expect(await guest.complaints()).toEqual(['taint 9: warning']);
  // Nobody is left to answer.
  void guest.write('/proc/sysrq-trigger', 'c').catch(() => undefined);
  await eventually('the end of the guest', 120_000, () => (qemu.process.running ? null : true));
  const complaints = complaintsIn(await readFile(qemu.description.consoleFile, 'utf8'));
  expect(complaints).toContainEqual(
    expect.stringContaining('Kernel panic - not syncing: sysrq triggered crash'),
  );
  expect(complaints).toContainEqual(expect.stringContaining('Call Trace:'));
});
