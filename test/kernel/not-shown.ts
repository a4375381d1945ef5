/** Items of docs/conformance.md that no real kernel shows here, with the reason. */
export interface NotShown {
  readonly item: string;
  readonly reason: string;
}

export const NOT_SHOWN: readonly NotShown[] = [];

/** The list as text. */
export const notShownTable = (): string =>
  NOT_SHOWN.map(({ item, reason }) => `${item} not shown on a real kernel: ${reason}`).join('\n');
