/** How the program ends; scripts may rely on these. */
export const EXIT = {
  done: 0,
  /** Something failed on the way; what was done stands, and the same command goes on from there. */
  failed: 1,
  /** The command line cannot be used. */
  usage: 2,
  /** There is something to do, and --yes was not given. */
  wouldAct: 3,
  /** It would not be safe. */
  refused: 4,
} as const;
