/** One operation of an RFC 6902 patch; only what the store needs. */
export type PatchOperation =
  | { readonly op: 'test' | 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/** RFC 6901: `~` and `/` inside a member name. */
export function pointer(...members: readonly string[]): string {
  return members.map((member) => `/${member.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** The value that a pointer names, or undefined when nothing is there. */
function lookUp(document: unknown, path: string): unknown {
  let value = document;
  for (const escaped of path.split('/').slice(1)) {
    if (typeof value !== 'object' || value === null) return undefined;
    const member = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
    value = Object.hasOwn(value, member) ? (value as Record<string, unknown>)[member] : undefined;
  }
  return value;
}

/** Whether every `test` of a patch holds; a test for null holds where nothing is. Values tested are scalars. */
export function testsHold(document: unknown, patch: readonly PatchOperation[]): boolean {
  return patch.every(
    (operation) => operation.op !== 'test' || (lookUp(document, operation.path) ?? null) === operation.value,
  );
}
