/** The rig itself: what it promises to the suites that stand on it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { accelerator } from './accelerator.ts';
import type { Guest } from './guest.ts';
import { connectGuests } from './guests.ts';
import type { Guests } from './guests.ts';
import { createMdev, mdevFolder, removeMdev } from './vfio.ts';

let guests: Guests;

beforeAll(async () => {
  guests = await connectGuests();
});

afterAll(async () => {
  await guests[Symbol.asyncDispose]();
});

const each = ['group', 'cdev'] as const;
const guestOf = (name: (typeof each)[number]): Guest => guests[name];

describe('a guest', () => {
  test.each(each)('%s runs the kernel that it was built for', async (name) => {
    const guest = guestOf(name);
    expect((await guest.shell('uname -r')).trim()).toBe(guest.description.kernel);
  });

  test.each(each)('%s cannot write to the files of the host', async (name) => {
    const { code, stderr } = await guestOf(name).exec(['touch', '/etc/hostname']);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('Read-only file system') });
  });

  test.each(each)('%s makes and removes a device of mtty', async (name) => {
    const guest = guestOf(name);
    const uuid = await createMdev(guest, 'mtty', 'mtty-2');
    const found = await guest.shell('ls /dev/vfio /dev/vfio/devices 2>/dev/null || true');
    expect(/\d+/.test(found)).toBe(true);
    expect(found.includes('vfio0')).toBe(name === 'cdev');
    await removeMdev(guest, uuid);
    const { code } = await guest.exec(['test', '-e', mdevFolder(uuid)]);
    expect(code).toBe(1);
  });
});

describe('the control server', () => {
  test('reports output, exit code and signal of a command', async () => {
    const script = 'cat; echo out; echo err >&2; exit 3';
    expect(await guests.group.exec(['sh', '-c', script], { stdin: 'in ' })).toEqual({
      code: 3,
      signal: null,
      stdout: 'in out\n',
      stderr: 'err\n',
    });
    const cut = await guests.group.exec(['sleep', '1000'], { timeoutMs: 100 });
    expect(cut).toMatchObject({ code: null, signal: 'SIGKILL' });
  });

  test('says how a process ended that a test has killed', async () => {
    const { control } = guests.group;
    const logFile = '/tmp/spawned.log';
    const argv = ['sh', '-c', 'echo ready; exec sleep 1000'];
    const { pid } = await control.call('spawn', { argv, logFile });
    await control.call('waitForLine', { path: logFile, pattern: '^ready$', timeoutMs: 60_000 }, 60_000);
    expect(await control.call('wait', { pid, timeoutMs: 10 })).toBeNull();
    await control.call('kill', { pid, signal: 'SIGKILL' });
    const ended = await control.call('wait', { pid, timeoutMs: 60_000 }, 60_000);
    expect(ended).toEqual({ code: null, signal: 'SIGKILL' });
  });

  test('answers what it cannot do with an error, and serves on', async () => {
    const { control } = guests.group;
    const missing = control.call('readFile', { path: '/tmp/there is none' });
    await expect(missing).rejects.toMatchObject({ name: 'GuestError', code: 'ENOENT' });
    const unknown = control.call('callDevice', { handle: 12_345, method: 'state', args: [] });
    await expect(unknown).rejects.toThrow('there is no device 12345');
    await expect(control.call('ping', {})).resolves.toMatchObject({ pid: expect.any(Number) });
  });

  test('carries every byte of a file', async () => {
    const data = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    await guests.cdev.control.call('writeFile', { path: '/tmp/bytes', data });
    expect(await guests.cdev.control.call('readFile', { path: '/tmp/bytes' })).toEqual(data);
  });
});

describe('the accelerator', () => {
  test.each([
    ['tcg', 'a /dev/kvm that no processor stands behind', ['/dev/kvm']],
    ['tcg', 'a processor without /dev/kvm', ['/sys/module/kvm_intel']],
    ['kvm', 'an Intel processor', ['/dev/kvm', '/sys/module/kvm_intel']],
    ['kvm', 'an AMD processor', ['/dev/kvm', '/sys/module/kvm_amd']],
  ])('is %s for %s', (expected, _what, paths) => {
    expect(accelerator((path) => paths.includes(path))).toBe(expected);
  });
});
