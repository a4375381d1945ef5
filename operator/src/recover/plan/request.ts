/** What a person asks `transship recover` for. */
export type Request =
  /** `recover MIGRATION --source`: the set runs again where it came from. */
  | { readonly kind: 'source'; readonly proof: string }
  /** `recover MIGRATION --discard`: what the stopped source holds is given up. */
  | { readonly kind: 'discard' }
  /**
   * `recover MIGRATION --source-is-dead PROOF`: what is committed goes on without its source. `unknownIsSilent`: the door
   * knows every node that there is, so one without an agent is as good as one that does not answer.
   */
  | { readonly kind: 'sourceDead'; readonly proof: string; readonly unknownIsSilent: boolean }
  /**
   * `recover --orphan UID --node NODE --run | --discard`; `proof` stands for a target that no agent shows, `sourceProof`
   * for such a source.
   */
  | {
      readonly kind: 'orphan';
      readonly uid: string;
      readonly node: string;
      readonly end: 'run' | 'discard';
      readonly proof: string | null;
      readonly sourceProof: string | null;
    }
  /** `recover --device ID --node NODE`: a device in quarantine is reset and handed out again. */
  | { readonly kind: 'device'; readonly node: string; readonly device: string };

/** How a set came out of it; the reason of the condition `Recovered`. */
export type Recovery = 'BackAtSource' | 'GivenUp' | 'RunsAtTarget';
