import { connect } from 'node:net';

/** The emulator refused a request or did not answer it. */
export class EmulatorControlError extends Error {
  override readonly name = 'EmulatorControlError';
}

/** The emulator answered that it will not. */
export class EmulatorRefusal extends EmulatorControlError {}

/** A reply line; a workload's state in hexadecimal is the largest. */
const MAX_REPLY_BYTES = 4 * 1024 * 1024;

/**
 * Sends one request to an emulator's control socket (`verb key=value ...`) and returns the reply object. One
 * connection a request: a slow one holds no other up.
 * @throws EmulatorControlError when it is refused, cut short or not answered within `deadlineMs`.
 */
export async function askEmulator(
  socketPath: string,
  request: string,
  deadlineMs: number,
): Promise<Readonly<Record<string, unknown>>> {
  const line = await exchange(socketPath, request, deadlineMs);
  const reply = parseReply(line);
  if (reply['ok'] !== true) throw new EmulatorRefusal(`${verbOf(request)}: ${String(reply['error'])}`);
  return reply;
}

function exchange(socketPath: string, request: string, deadlineMs: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(socketPath);
  const pieces: Buffer[] = [];
  let length = 0;
  const fail = (why: string): void =>
    reject(new EmulatorControlError(`${verbOf(request)} at ${socketPath}: ${why}`));
  const deadline = setTimeout(() => fail(`no answer within ${deadlineMs} ms`), deadlineMs);
  socket.on('connect', () => socket.write(`${request}\n`));
  socket.on('error', (error) => fail(error.message));
  socket.on('close', () => fail('the connection was closed before the answer'));
  socket.on('data', (piece) => {
    pieces.push(piece);
    length += piece.length;
    if (piece.at(-1) === 0x0a) resolve(Buffer.concat(pieces, length).toString('utf8'));
    else if (length > MAX_REPLY_BYTES) fail(`the answer is longer than ${MAX_REPLY_BYTES} bytes`);
  });
  return promise.finally(() => {
    clearTimeout(deadline);
    socket.destroy();
  });
}

function parseReply(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch (cause) {
    throw new EmulatorControlError('the answer is not JSON', { cause });
  }
}

const verbOf = (request: string): string => request.split(' ', 1)[0] ?? '';
