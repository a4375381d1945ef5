import type { Readable } from 'node:stream';
import { LINE_LIMIT } from './protocol.ts';

/**
 * The lines of a stream without their ends.
 * @throws RangeError when one is longer than the limit.
 */
export async function* linesOf(stream: Readable): AsyncGenerator<string> {
  let pieces: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      pieces.push(chunk.subarray(from, end));
      yield Buffer.concat(pieces).toString('utf8');
      pieces = [];
      length = 0;
      from = end + 1;
    }
    const rest = chunk.subarray(from);
    pieces.push(rest);
    length += rest.length;
    if (length > LINE_LIMIT) throw new RangeError(`a line is longer than ${LINE_LIMIT} bytes`);
  }
}
