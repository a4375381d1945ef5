import { isTombstone } from '../core/phase.ts';
import { streamKey } from '../core/stream.ts';
import type { Session } from '../core/session.ts';
import type { PullRequest } from './frame.ts';
import type { Attachment, Puller } from './outgoing-stream.ts';
import { refusePull } from './pull-gate.ts';
import type { SavingSession } from './saving-session.ts';

interface Waiting {
  readonly request: PullRequest;
  readonly puller: Puller;
  readonly attached: (attachment: Attachment) => void;
}

/** Where pulls arrive at the source: checks them, and holds them open until their generation is being saved. */
export class PullDesk {
  readonly #session: (uid: string) => Session | null;
  readonly #savings = new Map<string, SavingSession>();
  /** By migration and stream: at most one, the newest. */
  readonly #waiting = new Map<string, Waiting>();
  /** Fence of the last pull that was accepted, by migration. */
  readonly #fences = new Map<string, number>();

  constructor(session: (uid: string) => Session | null) {
    this.#session = session;
  }

  /** A generation is being saved: whoever waits for it is served. */
  begin(saving: SavingSession): void {
    this.#savings.set(saving.uid, saving);
    for (const [key, waiting] of this.#waiting) {
      if (waiting.request.uid !== saving.uid || waiting.request.generation !== saving.generation) continue;
      this.#waiting.delete(key);
      attach(saving, waiting);
    }
  }

  /** Saving ended. Those who wait for another generation are asked again whether they may. */
  end(saving: SavingSession): void {
    if (this.#savings.get(saving.uid) === saving) this.#savings.delete(saving.uid);
  }

  /** Lets go of those who wait for what will not come any more; to be called when a session has changed. */
  review(uid: string): void {
    for (const [key, { request, puller }] of this.#waiting) {
      if (request.uid !== uid) continue;
      const refusal = refusePull(this.#session(uid), request, 0);
      if (refusal === null) continue;
      this.#waiting.delete(key);
      puller.dismiss(refusal);
    }
    const session = this.#session(uid);
    if (session === null || isTombstone(session.phase)) this.#fences.delete(uid);
  }

  /** Takes one pull. What the puller says is handed to the returned attachment. */
  open(request: PullRequest, puller: Puller): Attachment {
    const refusal = refusePull(this.#session(request.uid), request, this.#fences.get(request.uid) ?? 0);
    if (refusal !== null) {
      puller.dismiss(refusal);
      return NOBODY;
    }
    this.#fences.set(request.uid, request.fence);
    const key = `${request.uid} ${streamKey(request.stream)}`;
    this.#waiting.get(key)?.puller.dismiss(null);
    this.#waiting.delete(key);
    const relay = new Relay(() => {
      if (this.#waiting.get(key)?.puller === puller) this.#waiting.delete(key);
    });
    const waiting: Waiting = { request, puller, attached: (attachment) => relay.attach(attachment) };
    const saving = this.#savings.get(request.uid);
    if (saving?.generation === request.generation) attach(saving, waiting);
    else this.#waiting.set(key, waiting);
    return relay;
  }
}

function attach(saving: SavingSession, { request, puller, attached }: Waiting): void {
  const stream = saving.stream(request.stream);
  // The gate has checked that the set has this stream.
  if (stream !== null) attached(stream.attach(puller, request.next));
}

const NOBODY: Attachment = {
  acknowledge: () => undefined,
  done: () => undefined,
  detach: () => undefined,
};

/** Stands for the attachment of a pull that still waits. */
class Relay implements Attachment {
  readonly #leave: () => void;
  #attachment: Attachment | null = null;

  constructor(leave: () => void) {
    this.#leave = leave;
  }

  attach(attachment: Attachment): void {
    this.#attachment = attachment;
  }

  acknowledge(written: number, accepted: number): void {
    this.#attachment?.acknowledge(written, accepted);
  }

  done(): void {
    this.#attachment?.done();
  }

  detach(): void {
    this.#leave();
    this.#attachment?.detach();
  }
}
