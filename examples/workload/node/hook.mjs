#!/usr/bin/env node
/**
 * The hook of a workload in another language: a counter and a block of memory that can be moved. The example that
 * drives a device is in C++ beside this folder; here is only what Transship asks for.
 *
 *     node hook.mjs --socket /run/transship/hooks/counter/hook.sock [--incoming] [--memory BYTES] [--device NAME]...
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmod, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const PIECE_BYTES = 1024 * 1024;

const { values: options } = parseArgs({
  options: {
    socket: { type: 'string' },
    incoming: { type: 'boolean', default: false },
    memory: { type: 'string', default: '65536' },
    device: { type: 'string', multiple: true, default: [] },
  },
});
if (options.socket === undefined) throw new Error('--socket PATH is needed');

/** The workload: counts while it runs. Its state is the counter, and memory that it never changes. */
const workload = {
  state: options.incoming ? 'STATE_INCOMING' : 'STATE_RUNNING',
  counter: 0,
  memory: options.incoming ? Buffer.alloc(0) : randomBytes(Number(options.memory)),
  /** Of the saving that is to be loaded. */
  expected: '',
  /** saving_id of the Freeze or Load that made it FROZEN; empty when it was not told. */
  frozenBy: '',
  /** Devices that lost what they held, as this workload was told. */
  blank: [],
};
setInterval(() => {
  if (workload.state === 'STATE_RUNNING') workload.counter += 1;
}, 5);

function enter(state) {
  workload.state = state;
  const { counter, memory, blank } = workload;
  const digest = createHash('sha256').update(memory).digest('hex');
  console.log(JSON.stringify({ state, counter, bytes: memory.length, digest, blank }));
}

class Refused extends Error {}

function demand(holds, why) {
  if (!holds) throw new Refused(why);
}

const isOneOf = (...states) => states.includes(workload.state);

/** Obeys an order, and says where the workload stands then: an order may come twice. */
const order = (act) => (call, done) => {
  try {
    act(call.request);
    done(null, { state: workload.state });
  } catch (error) {
    done(statusOf(error));
  }
};

const statusOf = (error) => ({
  code: error instanceof Refused ? grpc.status.FAILED_PRECONDITION : grpc.status.INTERNAL,
  details: error.message,
});

const methods = {
  describe: (_call, done) => done(null, { workload: 'counter', devices: options.device }),
  getState: order(() => undefined),
  freeze: order(({ savingId }) => {
    demand(isOneOf('STATE_RUNNING', 'STATE_FROZEN'), 'there is no workload here');
    workload.frozenBy = savingId;
    enter('STATE_FROZEN');
  }),
  thaw: order(({ savingId }) => {
    demand(isOneOf('STATE_RUNNING', 'STATE_FROZEN'), 'there is no workload here');
    // A Thaw that was on its way for long must not undo what another attempt has frozen since.
    const isTold = savingId !== '' && workload.frozenBy !== '';
    const isLate = isOneOf('STATE_FROZEN') && isTold && savingId !== workload.frozenBy;
    demand(!isLate, `it was frozen by ${workload.frozenBy}, and ${savingId} is over`);
    enter('STATE_RUNNING');
  }),
  expectIncoming: order(({ savingId }) => {
    demand(!isOneOf('STATE_RUNNING'), 'the workload here is at work');
    Object.assign(workload, { counter: 0, memory: Buffer.alloc(0), expected: savingId });
    enter('STATE_INCOMING');
  }),
  discard: order(() => {
    demand(!isOneOf('STATE_RUNNING'), 'the workload here is at work');
    Object.assign(workload, { counter: 0, memory: Buffer.alloc(0), expected: '' });
    enter('STATE_ENDED');
  }),
  notifyDevicesReset: order(({ devices }) => {
    demand(isOneOf('STATE_RUNNING', 'STATE_FROZEN'), 'there is no workload here');
    workload.blank.push(...devices);
    enter(workload.state);
  }),

  /** Asked for no LIVE pass and no DMA logging, it gets FINAL alone, with nothing but `begin`. */
  async save(call) {
    try {
      for await (const { begin } of call) {
        demand(begin?.pass === 'SAVE_PASS_FINAL' && isOneOf('STATE_FROZEN'), 'not frozen');
      }
      const counter = Buffer.alloc(8);
      counter.writeBigUInt64LE(BigInt(workload.counter));
      await write(call, counter);
      for (let at = 0; at < workload.memory.length; at += PIECE_BYTES) {
        await write(call, workload.memory.subarray(at, at + PIECE_BYTES));
      }
      call.end();
    } catch (error) {
      call.destroy(statusOf(error));
    }
  },

  async load(call, done) {
    try {
      const pieces = [];
      let savingId = '';
      for await (const message of call) {
        if (message.kind === 'begin') savingId = message.begin.savingId;
        else pieces.push(message.data);
      }
      const isExpected = isOneOf('STATE_INCOMING') && savingId === workload.expected;
      demand(isExpected && !call.cancelled, `no state of ${savingId} is expected here`);
      const all = Buffer.concat(pieces);
      demand(all.length >= 8, 'this is no state of a counter');
      const counter = Number(all.readBigUInt64LE());
      Object.assign(workload, { counter, memory: all.subarray(8), frozenBy: savingId });
      enter('STATE_FROZEN');
      done(null, { state: workload.state, bytes: all.length });
    } catch (error) {
      done(statusOf(error));
    }
  },
};

/** Waits while the agent does not read: what is saved may be larger than any buffer. */
function write(call, data) {
  if (call.write({ data })) return Promise.resolve();
  return new Promise((resolve, reject) => {
    call.once('drain', resolve);
    call.once('cancelled', () => reject(new Error('the agent is gone')));
  });
}

const proto = loadSync('transship/workload/v1alpha1/hook.proto', {
  includeDirs: [fileURLToPath(new URL('../../../node-agent/proto', import.meta.url))],
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
});
const { WorkloadHook } = grpc.loadPackageDefinition(proto).transship.workload.v1alpha1;
const server = new grpc.Server();
server.addService(WorkloadHook.service, methods);
await rm(options.socket, { force: true });
// Whoever may connect may freeze the workload and read its memory.
process.umask(0o117);
await new Promise((resolve, reject) => {
  const bound = (error) => (error === null ? resolve() : reject(error));
  server.bindAsync(`unix:${options.socket}`, grpc.ServerCredentials.createInsecure(), bound);
});
await chmod(options.socket, 0o660);
enter(workload.state);
process.once('SIGTERM', () => process.exit(0));
