import type { Edit } from './row.ts';

/**
 * The text of `file` with the edits that are meant for it.
 * @throws Error when what an edit looks for is not there exactly once: the source has moved on, and so must the row.
 */
export function applyEdits(text: string, file: string, edits: readonly Edit[]): string {
  let edited = text;
  for (const { file: meant, find, replace } of edits) {
    if (meant !== file) continue;
    const parts = edited.split(find);
    if (parts.length !== 2) {
      throw new Error(`${file} has ${parts.length - 1} times, not once: ${find}`);
    }
    edited = parts.join(replace);
  }
  return edited;
}
