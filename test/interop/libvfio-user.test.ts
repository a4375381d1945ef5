/**
 * Both ends of vfio-user against an implementation that is not ours: libvfio-user, built by whoever runs this.
 *
 *   TRANSSHIP_LIBVFIO_USER      build folder of a libvfio-user that speaks v2 (7e7a0a6: the sample server of later
 *                               ones refuses its own BAR size)
 *   TRANSSHIP_LIBVFIO_USER_V1   build folder of its last commit that spoke the v1 region (1569a37)
 */
import { connect } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openVfioUser } from '@transship/native';
import type { NativeDevice, OpenOptions } from '@transship/native';
import { eventually, ManagedProcess } from '../support/managed-process.ts';
import { startEmulator } from '../support/processes.ts';
import { drainSegments, loadSegments } from './segments.ts';

const DEADLINE_MS = 60_000;
/** What the sample server shows of itself (libvfio-user samples/server.c). */
const SERVER = { vendorId: 0xdead, deviceId: 0xbeef, subsystemVendorId: 0xcafe, subsystemId: 0xbabe };
const BAR0 = 0;
const BAR1 = 1;
const BAR1_BYTES = 0x3000;

let directory: string;
let stack: AsyncDisposableStack;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ts-interop-'));
  stack = new AsyncDisposableStack();
});

afterEach(async () => {
  await stack.disposeAsync();
  await rm(directory, { recursive: true });
});

/** Starts the sample server of `build` and opens its device. It serves one client and ends with it. */
async function openServer(build: string, name: string, options: OpenOptions = {}): Promise<NativeDevice> {
  const socket = join(directory, `${name}.sock`);
  const server = new ManagedProcess({
    name: `libvfio-user server ${name}`,
    program: join(build, 'samples/server'),
    args: ['-v', socket],
    logFile: join(directory, `${name}.log`),
  });
  stack.defer(() => server.kill());
  // Its socket is there a moment before it listens.
  const device = await eventually(`server ${name}`, DEADLINE_MS, () =>
    openVfioUser(socket, { timeoutMs: DEADLINE_MS, ...options }).catch((error: { code?: string }) => {
      if (error.code === 'TRANSSHIP_CONNECT_FAILED') return null;
      throw error;
    }),
  );
  stack.defer(() => device.close());
  return device;
}

/** A test that needs a build of libvfio-user, or one that is skipped under a name that says what is missing. */
function needs(variable: string): { readonly build: string; readonly it: typeof test } {
  const build = process.env[variable];
  return build === undefined || build === ''
    ? { build: '', it: test.skip as typeof test }
    : { build, it: test };
}

const v2 = needs('TRANSSHIP_LIBVFIO_USER');
const v1 = needs('TRANSSHIP_LIBVFIO_USER_V1');

describe('our client and the libvfio-user server (skipped unless TRANSSHIP_LIBVFIO_USER is set)', () => {
  v2.it('finds v2 with pre-copy and without P2P', async () => {
    const device = await openServer(v2.build, 'a');
    expect(device.info).toMatchObject({ protocol: 'v2', preCopy: true, p2p: false, ...SERVER });
    await expect(device.arc('RunningP2P')).rejects.toMatchObject({ code: 'TRANSSHIP_NO_P2P' });
    expect(await device.state()).toBe('Running');
  });

  v2.it('moves the contents of one server into another', async () => {
    const source = await openServer(v2.build, 'a');
    const target = await openServer(v2.build, 'b');
    const contents = Buffer.alloc(BAR1_BYTES, 'numbered cargo ');
    await source.regionWrite(BAR1, 0, contents);
    // When its timer goes off, seconds since the epoch: it starts with no time that has passed.
    const later = Buffer.alloc(8);
    later.writeBigUInt64LE(BigInt(Math.ceil(Date.now() / 1000) + 3600));
    await source.regionWrite(BAR0, 0, later);

    await target.arc('Stop');
    await target.arc('Resuming');
    await source.arc('Stop');
    await source.arc('StopCopy');
    const { segments, ended } = await drainSegments(source);
    expect(ended).toBe(true);
    await loadSegments(target, segments);
    await source.arc('Stop');
    await target.arc('Stop');
    await target.arc('Running');

    expect((await target.regionRead(BAR1, 0, BAR1_BYTES)).equals(contents)).toBe(true);
    expect(await target.state()).toBe('Running');
  });

  // Its pre-copy data are read here and not loaded: it saves them once more when stopped, and takes them only once.
  v2.it('keeps one session from pre-copy to stop-and-copy', async () => {
    const device = await openServer(v2.build, 'a');
    await device.arc('PreCopy');
    expect(await drainSegments(device)).toMatchObject({ ended: false, segments: [{ length: BAR1_BYTES }] });
    await device.arc('StopCopy');
    expect(await drainSegments(device)).toMatchObject({
      ended: true,
      segments: [{ length: BAR1_BYTES + 8 }],
    });
    await device.arc('Stop');
    expect(await device.state()).toBe('Stop');
  });

  v2.it(
    'tells that a server refuses RESET while it is stopped, and takes no such device for clean',
    async () => {
      const device = await openServer(v2.build, 'a');
      await device.arc('Stop');
      await expect(device.reset()).rejects.toMatchObject({ code: 'TRANSSHIP_RESET_FAILED' });
      expect(await device.state()).toBe('Stop');
    },
  );
});

describe('our client and the libvfio-user server of v1 (skipped unless TRANSSHIP_LIBVFIO_USER_V1 is set)', () => {
  v1.it('finds the v1 region without NDMA and saves it, segment by segment', async () => {
    // The sample counts what is read by messages only: with a mapping its data never end.
    const device = await openServer(v1.build, 'a', { mmap: false });
    expect(device.info).toMatchObject({ protocol: 'v1', p2p: false, ...SERVER });
    const contents = Buffer.alloc(BAR1_BYTES, 'numbered cargo ');
    await device.regionWrite(BAR1, 0, contents);
    await device.arc('PreCopy');
    const early = await drainSegments(device);
    expect(early).toMatchObject({ ended: false, segments: [{ length: BAR1_BYTES }] });
    await device.arc('StopCopy');
    const late = await drainSegments(device);
    expect(late.ended).toBe(true);
    expect(
      Buffer.concat([...early.segments, ...late.segments])
        .subarray(0, BAR1_BYTES)
        .equals(contents),
    ).toBe(true);
    await device.arc('Stop');
  });

  v1.it('reports an arc that the server does not know as refused, and the state as it was', async () => {
    const device = await openServer(v1.build, 'a');
    await device.arc('Stop');
    await expect(device.arc('Resuming')).rejects.toMatchObject({
      code: 'TRANSSHIP_ARC_REFUSED',
      state: 'Stop',
    });
    expect(await device.state()).toBe('Stop');
  });
});

describe('the libvfio-user client and our emulator (skipped unless TRANSSHIP_LIBVFIO_USER is set)', () => {
  async function emulator() {
    const args = ['--protocol', 'v2', '--traffic', 'off'];
    const options = { directory: join(directory, 'node'), node: 'interop', devices: 1, memory: '1M', args };
    return stack.use(await startEmulator(options));
  }

  /** The device answers as if nobody had been there before. */
  async function expectServesTheNext(socket: string): Promise<void> {
    const device = stack.use(await openVfioUser(socket, { timeoutMs: DEADLINE_MS }));
    expect(await device.state()).toBe('Running');
  }

  v2.it('answers the client of libvfio-user as far as that one goes, then serves the next', async () => {
    const { process: server, sockets } = await emulator();
    const client = new ManagedProcess({
      name: 'libvfio-user client',
      program: 'stdbuf',
      args: ['-oL', join(v2.build, 'samples/client'), sockets[0]!],
      logFile: join(directory, 'client.log'),
    });
    stack.defer(() => client.kill());
    // It negotiates, wants a region that is none to be refused with EINVAL, and asks what the device is; then it ends,
    // since it wants exactly the regions of the sample server, and these devices have one more.
    await eventually('the client has ended', DEADLINE_MS, () => (client.running ? null : true));
    expect(await client.log()).toMatch(
      /-559038737 0-0x3: Invalid argument\n.*bad number of device regions 10/,
    );
    await client.kill();
    expect(server.running).toBe(true);
    await expectServesTheNext(sockets[0]!);
  });

  const header = (id: number, command: number, size: number, flags = 0): Buffer => {
    const bytes = Buffer.alloc(16);
    bytes.writeUInt16LE(id, 0);
    bytes.writeUInt16LE(command, 2);
    bytes.writeUInt32LE(size, 4);
    bytes.writeUInt32LE(flags, 8);
    return bytes;
  };

  test.each([
    ['a message shorter than its header', header(1, 1, 4)],
    ['a message longer than any', header(1, 1, 0xffffffff)],
    ['a command before the version', header(1, 4, 16)],
    ['a command that there is not', header(1, 999, 16)],
    ['a reply that nobody asked for', header(1, 1, 16, 1)],
    ['half a header', header(1, 1, 16).subarray(0, 7)],
    ['a version without its JSON', Buffer.concat([header(1, 1, 20), Buffer.from([0, 0, 1, 0])])],
    [
      'a version whose JSON has no end',
      Buffer.concat([header(1, 1, 22), Buffer.from([0, 0, 1, 0, 0x7b, 0x22])]),
    ],
    ['bytes without sense', Buffer.alloc(4096, 0xa5)],
  ])('lets %s hurt nobody but its sender', async (_name, bytes) => {
    const { process: server, sockets } = await emulator();
    const socket = connect(sockets[0]!);
    socket.on('error', () => undefined);
    socket.end(bytes);
    await new Promise((resolve) => socket.once('close', resolve).resume());
    expect(server.running).toBe(true);
    await expectServesTheNext(sockets[0]!);
  });
});
