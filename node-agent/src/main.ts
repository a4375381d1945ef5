#!/usr/bin/env node
import { startAgent } from './agent.ts';
import { parseConfig } from './config.ts';
import { growHeapForFrames } from './heap.ts';

/** Whatever hangs, the process is gone by then, ms. */
const EXIT_DEADLINE_MS = 4_500;

async function main(): Promise<void> {
  growHeapForFrames();
  const agent = await startAgent(parseConfig(process.argv.slice(2)));
  const stop = (): void => {
    setTimeout(() => process.exit(1), EXIT_DEADLINE_MS).unref();
    void agent.stop().finally(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`transship-agent: ${(error as Error).message}\n`);
  process.exit(1);
}
