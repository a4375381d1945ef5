import type { IncomingMessage } from 'node:http';

/** Why a watch ended other than by the server closing it in good order. */
export class WatchBrokenError extends Error {
  override readonly name = 'WatchBrokenError';
}

export interface LineOptions {
  /** Nothing received for this long means that the connection is half open, milliseconds. */
  readonly inactivityMs: number;
  /** Bytes of one line, and so of what is kept in memory. */
  readonly maxLineBytes: number;
}

const NEWLINE = 0x0a;

/**
 * Lines of a streaming answer until the server closes it.
 * @throws WatchBrokenError on inactivity, an overlong line, and an answer cut in the middle of a line
 */
export async function* readLines(answer: IncomingMessage, options: LineOptions): AsyncGenerator<string> {
  const { inactivityMs, maxLineBytes } = options;
  const silence = setTimeout(
    () => answer.destroy(new WatchBrokenError(`nothing received for ${inactivityMs} ms`)),
    inactivityMs,
  );
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      silence.refresh();
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
        yield rest.toString('utf8', 0, end);
        rest = rest.subarray(end + 1);
      }
      if (rest.length > maxLineBytes)
        throw new WatchBrokenError(`a line is longer than ${maxLineBytes} bytes`);
    }
    if (rest.length > 0) throw new WatchBrokenError('the answer ends in the middle of a line');
  } finally {
    clearTimeout(silence);
    answer.destroy();
  }
}
