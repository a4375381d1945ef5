import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { askEmulator } from '@transship/node-agent/internal/workload/emulator-control';
import { EmulatorFreezer } from '@transship/node-agent/internal/workload/emulator-freezer';
import { EmulatorIncarnations } from '@transship/node-agent/internal/workload/emulator-incarnation';

let directory: string;
let path: string;
let server: Server;
const requests: string[] = [];
/** Long enough never to be what ends a request. */
const DEADLINE_MS = 60_000;

async function serve(answer: (request: string, socket: Socket) => void): Promise<void> {
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      const request = data.toString().trim();
      requests.push(request);
      answer(request, socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
}

const never = new AbortController().signal;
const onPending = (): void => undefined;
async function* nothing(): AsyncGenerator<never, void> {
  // The emulator's workload has no memory that a device writes.
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ts-control-'));
  path = join(directory, 'control.sock');
  requests.length = 0;
});

afterEach(async () => {
  server.close();
  await rm(directory, { recursive: true });
});

describe('a request', () => {
  test('is answered with the object of the reply, in however many pieces it comes', async () => {
    await serve((_request, socket) => {
      socket.write('{"ok":true,');
      setTimeout(() => socket.write('"node":"gpu-a"}\n'), 5);
    });
    await expect(askEmulator(path, 'info', DEADLINE_MS)).resolves.toMatchObject({ node: 'gpu-a' });
  });

  test.each<[string, string, (socket: Socket) => void]>([
    [
      'is refused',
      'freeze: there is no workload',
      (socket) => socket.write('{"ok":false,"error":"there is no workload"}\n'),
    ],
    ['is cut short', 'closed before the answer', (socket) => socket.end('{"ok":tr')],
    ['is answered with no JSON', 'not JSON', (socket) => socket.write('hello\n')],
    ['is answered without end', 'longer than', (socket) => socket.write('x'.repeat(5 * 1024 * 1024))],
  ])('that %s rejects and says so', async (_name, message, answer) => {
    await serve((_request, socket) => answer(socket));
    await expect(askEmulator(path, 'freeze group=0', DEADLINE_MS)).rejects.toThrow(message);
  });

  test('that is not answered rejects after its deadline and says so', async () => {
    await serve(() => undefined);
    await expect(askEmulator(path, 'freeze group=0', 50)).rejects.toThrow('no answer within 50 ms');
  });

  test('to nobody rejects', async () => {
    await serve(() => undefined);
    await expect(askEmulator(`${path}.gone`, 'info', DEADLINE_MS)).rejects.toThrow('ENOENT');
  });
});

describe('the workload of an emulator', () => {
  test('is addressed by its group and saved as bytes', async () => {
    await serve((request, socket) =>
      socket.write(request.startsWith('save') ? '{"ok":true,"state":"00ff10"}\n' : '{"ok":true}\n'),
    );
    const freezer = new EmulatorFreezer(path, 3);
    await freezer.freeze();
    const order = { savingId: 'uid-1/1', incremental: false, dirty: nothing(), signal: never, onPending };
    const pieces: Buffer[] = [];
    for await (const piece of freezer.save({ ...order, pass: 'live' })) pieces.push(piece);
    expect(pieces).toEqual([]);
    for await (const piece of freezer.save({ ...order, pass: 'final' })) pieces.push(piece);
    expect(pieces).toEqual([Buffer.from([0, 255, 16])]);
    const load = freezer.load();
    await load.write(Buffer.from([1]));
    await load.write(Buffer.from([2]));
    await load.finish();
    expect(requests).toEqual(['freeze group=3', 'save group=3', 'load state=0102 group=3']);
  });

  test.each([
    ['{"ok":true,"phase":"Live","frozen":false}', 'running'],
    ['{"ok":true,"phase":"Live","frozen":true}', 'frozen'],
    ['{"ok":true,"phase":"Loaded","frozen":true}', 'frozen'],
    ['{"ok":true,"phase":"Ended","frozen":true}', 'discarded'],
    ['{"ok":false,"error":"who?"}', 'unknown'],
    ['{"ok":true,"phase":"Later","frozen":true}', 'unknown'],
  ])('that says %s is %s', async (reply, state) => {
    await serve((_request, socket) => socket.write(`${reply}\n`));
    await expect(new EmulatorFreezer(path, 0).state()).resolves.toBe(state);
  });
});

test('an emulated workload is known to have begun anew by the life of its emulator', async () => {
  const freezer = new EmulatorFreezer(path, 0, () => Promise.resolve('boot/two'));
  expect(await freezer.beganAfter(['boot/one/0'])).toBe(true);
  expect(await freezer.beganAfter(['', 'boot/two/3'])).toBe(false);
  expect(await new EmulatorFreezer(path, 0).beganAfter(['boot/one/0'])).toBe(false);
  const silent = new EmulatorFreezer(path, 0, () => Promise.reject(new Error('no answer')));
  expect(await silent.beganAfter(['boot/one/0'])).toBe(false);
});

describe('the incarnation of an emulated device', () => {
  test('changes with its resets and with the process, and not otherwise', async () => {
    let resets = 0;
    let instance = 'one';
    await serve((_request, socket) =>
      socket.write(
        `${JSON.stringify({
          ok: true,
          instance,
          devices: [
            { index: 0, resets },
            { index: 1, resets: 5 },
          ],
        })}\n`,
      ),
    );
    const source = new EmulatorIncarnations('boot', path).ofDevice(0);
    const first = await source.read(1, 1);
    expect(await source.read(2, 7)).toBe(first);
    resets = 1;
    const second = await source.read(1, 1);
    instance = 'two';
    const third = await source.read(1, 1);
    expect(new Set([first, second, third]).size).toBe(3);
  });

  test('of a device that the emulator has not cannot be told', async () => {
    await serve((_request, socket) => socket.write('{"ok":true,"instance":"one","devices":[]}\n'));
    await expect(new EmulatorIncarnations('boot', path).ofDevice(0).read(1, 0)).rejects.toThrow(
      'no device 0',
    );
  });
});
