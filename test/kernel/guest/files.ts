import { open, readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Handlers } from './control-server.ts';

const POLL_MS = 20;

/** Files of the guest: /tmp and /run are its own, all else is the host's and cannot be written. */
export function fileMethods(): Pick<Handlers, 'readFile' | 'writeFile' | 'waitForLine'> {
  return {
    async readFile({ path, offset, length }) {
      // Files of /sys have no true size: read them as they come.
      if (offset === undefined || length === undefined) return readFile(path);
      const file = await open(path, 'r');
      try {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
        return buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    },

    async writeFile({ path, data, mode }) {
      await writeFile(path, data, mode === undefined ? {} : { mode });
      return null;
    },

    async waitForLine({ path, pattern, timeoutMs, offset = 0 }) {
      const wanted = new RegExp(pattern);
      const until = Date.now() + timeoutMs;
      for (;;) {
        const text = (await readFile(path)).subarray(offset).toString('utf8');
        const line = text.split('\n').find((candidate) => wanted.test(candidate));
        if (line !== undefined) return line;
        if (Date.now() > until) {
          throw new Error(
            `no line of ${path} matches ${pattern} after ${timeoutMs} ms; it ends:\n${text.slice(-4000)}`,
          );
        }
        await delay(POLL_MS);
      }
    },
  };
}
