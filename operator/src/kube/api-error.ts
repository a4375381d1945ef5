import { z } from 'zod';

/** metav1.Status, as far as it tells what went wrong. */
const statusBody = z.object({
  kind: z.literal('Status'),
  message: z.string().default(''),
  reason: z.string().default(''),
  details: z
    .object({
      name: z.string().optional(),
      kind: z.string().optional(),
      retryAfterSeconds: z.number().optional(),
    })
    .default({}),
});

type StatusBody = z.output<typeof statusBody>;

const NO_STATUS: StatusBody = { kind: 'Status', message: '', reason: '', details: {} };

/** The API server answered with a status of 400 or more. */
export class KubeApiError extends Error {
  override readonly name = 'KubeApiError';
  readonly httpStatus: number;
  /** metav1.StatusReason, such as `Conflict`; empty when the body was no Status (a proxy's answer, say). */
  readonly reason: string;
  /** Name of the object that the answer is about; absent when it is about the resource or the request. */
  readonly objectName: string | undefined;
  /** How long to stay away, as the answer asks (header or Status), milliseconds; null: it does not say. */
  readonly retryAfterMs: number | null;

  /** `retryAfter`: the header of that name, in seconds; a date is not what API servers send. */
  constructor(what: string, httpStatus: number, body: unknown, retryAfter?: string) {
    const parsed = statusBody.safeParse(body);
    const { message, reason, details } = parsed.success ? parsed.data : NO_STATUS;
    super(`${what}: HTTP ${httpStatus}${message === '' ? '' : `: ${message.slice(0, 1024)}`}`);
    this.httpStatus = httpStatus;
    this.reason = reason;
    this.objectName = details.name;
    const seconds = /^\d{1,6}$/.test(retryAfter ?? '') ? Number(retryAfter) : details.retryAfterSeconds;
    this.retryAfterMs = seconds === undefined ? null : Math.max(0, seconds * 1000);
  }

  /**
   * The object itself is not there. A bare 404 is not enough: an API server that has not loaded the CRD yet, and many a
   * proxy, answer that too, and a missing record has consequences.
   */
  isObjectNotFound(name: string): boolean {
    return this.httpStatus === 404 && this.reason === 'NotFound' && this.objectName === name;
  }
}

/** No answer, or not a whole one, within the deadline. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
  /** The connection stood, so the request may have arrived and may yet be acted on. False: it surely was not sent. */
  readonly sent: boolean;

  constructor(what: string, sent: boolean, cause: unknown) {
    super(`${what}: no answer: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.sent = sent;
  }
}
