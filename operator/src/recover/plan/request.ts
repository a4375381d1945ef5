/** What a person asks `transship recover` for. */
export type Request =
  /** `recover MIGRATION --source`: the set runs again where it came from. */
  | { readonly kind: 'source'; readonly proof: string }
  /** `recover MIGRATION --discard`: what the stopped source holds is given up. */
  | { readonly kind: 'discard' }
  /** `recover --orphan UID --node NODE --run | --discard`; the proof stands for a target that no agent shows. */
  | {
      readonly kind: 'orphan';
      readonly uid: string;
      readonly node: string;
      readonly end: 'run' | 'discard';
      readonly proof: string | null;
    }
  /** `recover --device ID --node NODE`: a device in quarantine is reset and handed out again. */
  | { readonly kind: 'device'; readonly node: string; readonly device: string };

/** How a set came out of it; the reason of the condition `Recovered`. */
export type Recovery = 'BackAtSource' | 'GivenUp' | 'RunsAtTarget';
