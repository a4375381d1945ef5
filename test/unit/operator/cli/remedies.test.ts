import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Command } from 'commander';
import { conditionTypes, errors, reasons } from '@transship/crds';
import { addRecoverOptions, recoverConfig } from '@transship/operator/internal/cli/recover-options';

const ROOT = join(import.meta.dirname, '../../../..');

/** Words that stand for something else, as remedies and pages write them. */
const STAND_INS: Readonly<Record<string, string>> = {
  MIGRATION: 'ml/trainer-0',
  UID: '3f0c7a54-7d5e-4d39-9f07-0f6a4c3f6c11',
  NODE: 'gpu-a',
  ID: 'gpu-a/0',
  PROOF: 'unplugged, seen on site',
};

const MENTION = /transship recover([^`\n]*)/gu;

/** Every call of the program in code of a text; the bare name is none. */
const callsIn = (text: string): string[] =>
  [...text.matchAll(/```[\s\S]*?```|`[^`\n]+`/gu)]
    .flatMap(([code]) => [...code.matchAll(MENTION)].map(([, rest = '']) => rest.trim()))
    .filter((rest) => rest !== '' && !rest.startsWith('...') && !rest.startsWith('--help'));

/** Splits as a shell does, as far as these texts need it. */
const wordsOf = (call: string): string[] =>
  [...call.matchAll(/"([^"]*)"|(\S+)/gu)].map(([, quoted, bare]) => {
    const word = quoted ?? bare ?? '';
    return STAND_INS[word] ?? word;
  });

function parse(call: string): void {
  const command = addRecoverOptions(new Command('recover')).exitOverride();
  command.configureOutput({ writeErr: () => undefined });
  // A page may name one option alone; that much has to exist.
  if (/^--[a-z-]+$/u.test(call) && command.options.some(({ long }) => long === call)) return;
  command.parse([...['--tls-cert', 'c', '--tls-key', 'k', '--tls-ca', 'a'], ...wordsOf(call)], {
    from: 'user',
  });
  recoverConfig(command.args[0], command.opts());
}

const remedies = [errors, conditionTypes, reasons].flatMap((table) =>
  Object.entries(table).map(([name, { remedy }]) => [name, remedy] as const),
);
const pages = readdirSync(join(ROOT, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => [`docs/${name}`, readFileSync(join(ROOT, 'docs', name), 'utf8')] as const);

test('a remedy that names transship recover says how it is called', () => {
  const vague = remedies.filter(([, text]) => /`transship recover(?: --[a-z-]+)?`/u.test(text));
  expect(vague).toEqual([]);
  expect(remedies.filter(([, text]) => callsIn(text).length > 0).length).toBeGreaterThan(5);
});

test('every call that a remedy or a page shows can be made', () => {
  const wrong = [...remedies, ...pages].flatMap(([where, text]) =>
    callsIn(text).flatMap((call) => {
      try {
        parse(call);
        return [];
      } catch (error) {
        return [`${where}: transship recover ${call}: ${String(error)}`];
      }
    }),
  );
  expect(wrong).toEqual([]);
});
