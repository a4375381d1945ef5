/** Items of docs/conformance.md that this suite shows on no real kernel, with the reason. */
export interface NotShown {
  readonly items: readonly string[];
  readonly reason: string;
}

export const NOT_SHOWN: readonly NotShown[] = [
  {
    items: ['V1-12'],
    reason: 'every device with a v1 region here supports RESET; one that does not is emulated',
  },
  {
    items: ['V1-34'],
    reason: 'the reserved field of a conforming device is zero, so nobody can tell who depends on it',
  },
  {
    items: ['V1-47'],
    reason: 'a conforming device places no segment outside of its region; one that does is emulated',
  },
  {
    items: ['V2-17'],
    reason: 'a decision of the agents over two streams, made on figures that the other items show',
  },
  {
    items: ['V2-29', 'V2-38'],
    reason: 'nothing at the device tells one order of release, or a smaller window in memory, from another',
  },
];

/** The list as text, a line a reason. */
export const notShownText = (): string =>
  NOT_SHOWN.map(({ items, reason }) => `not shown on a real kernel: ${items.join(', ')}: ${reason}`).join(
    '\n',
  );
