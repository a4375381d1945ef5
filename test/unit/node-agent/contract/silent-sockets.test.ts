import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { destroyWhenSilent } from '@transship/node-agent/internal/contract/silent-sockets';
import { eventually } from '../../../support/managed-process.ts';

const LOOK_MS = 5;
const PATIENCE_MS = 60_000;

/** A socket as the watch sees it: what it has read, and whether it was destroyed. */
class FakeSocket extends EventEmitter {
  looks = 0;
  destroyed = false;
  /** What has arrived at each look; the last entry stays. */
  readonly #arrived: readonly number[];

  constructor(arrived: readonly number[]) {
    super();
    this.#arrived = arrived;
  }

  get bytesRead(): number {
    // Two reads a look.
    this.looks += 0.5;
    return this.#arrived[Math.min(Math.ceil(this.looks), this.#arrived.length) - 1] ?? 0;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

const watched = (arrived: readonly number[]): FakeSocket => {
  const socket = new FakeSocket(arrived);
  destroyWhenSilent(socket as unknown as Socket, LOOK_MS);
  return socket;
};

test('a socket on which nothing arrives any more is destroyed, and looked at no longer', async () => {
  const socket = watched([100, 200, 300, 300]);
  await eventually('the silent socket is destroyed', PATIENCE_MS, () => (socket.destroyed ? true : null));
  expect(socket.looks).toBe(4);
  const other = watched(Array.from({ length: 1000 }, (_, index) => index));
  await eventually('several more looks', PATIENCE_MS, () => (other.looks > 5 ? true : null));
  expect(socket.looks).toBe(4);
  other.destroy();
});

test('a socket on which something arrives between all looks is left alone', async () => {
  const socket = watched(Array.from({ length: 1000 }, (_, index) => index));
  await eventually('many looks', PATIENCE_MS, () => (socket.looks > 20 ? true : null));
  expect(socket.destroyed).toBe(false);
  socket.destroy();
});
