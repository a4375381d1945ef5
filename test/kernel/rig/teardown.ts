/** After the last test of this suite: ends the guests that setup booted. What they wrote stays where it said. */
export default async function teardown(): Promise<void> {
  await globalThis.transshipGuests?.[Symbol.asyncDispose]();
}
