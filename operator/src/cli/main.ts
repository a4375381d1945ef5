#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { EXIT } from './exit.ts';
import { runRecover } from './recover.ts';
import { addRecoverOptions, recoverConfig, UsageError } from './recover-options.ts';

/** What a person does by hand. One command a file; each is added here. */
function program(stop: AbortSignal): Command {
  const transship = new Command('transship').description('What a person does by hand about Transship.');
  const recover = addRecoverOptions(new Command('recover'));
  recover.action(async (migration: string | undefined) => {
    process.exitCode = await runRecover(recoverConfig(migration, recover.opts()), stop);
  });
  transship.addCommand(recover);
  for (const command of [transship, recover]) command.exitOverride();
  return transship;
}

const stop = new AbortController();
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());
try {
  await program(stop.signal).parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
  else if (error instanceof UsageError) {
    process.stderr.write(`transship: ${error.message}\n`);
    process.exitCode = EXIT.usage;
  } else throw error;
}
process.exit();
