/**
 * What a test says to the control server of its guest: one JSON object a line over TCP, requests
 * `{id, method, params}`, answers `{id, result}` or `{id, error}`, in any order. Buffers and bigints cross as
 * {@link encode} has them. Both sides are of the same commit, so there is no version.
 */

/** A line longer than this ends the connection, bytes. Whole streams of the tests' devices fit in. */
export const LINE_LIMIT = 64 * 1024 * 1024;

/** Output of a command beyond this is cut off, bytes of each of the two. */
export const OUTPUT_LIMIT = 1024 * 1024;

/** TCP port of the control server in the guest; a second server, that a test may kill, has the next. */
export const CONTROL_PORT = 7000;

export interface Command {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface ExecResult {
  /** Null when a signal ended it, the deadline's SIGKILL too. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a spawned process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
}

/** How a device is opened: the functions of `@transship/native`, by name, with their arguments. */
export interface Opening {
  readonly by: 'openVfioUser' | 'openKernel' | 'openBrokered';
  readonly args: readonly unknown[];
}

export interface OpenedDevice {
  readonly handle: number;
  /** DeviceInfo of the native package. */
  readonly info: Readonly<Record<string, unknown>>;
}

export interface Methods {
  ping(params: object): { pid: number; uptimeSeconds: number };
  /** Runs a command to its end. */
  exec(params: Command & { timeoutMs: number; stdin?: string }): ExecResult;
  /** Starts a process whose output is appended to `logFile`. */
  spawn(params: Command & { logFile: string }): { pid: number };
  kill(params: { pid: number; signal: string }): null;
  /** Waits for the end of a spawned process; null when the deadline passes before. */
  wait(params: { pid: number; timeoutMs: number }): Ended | null;
  readFile(params: { path: string; offset?: number; length?: number }): Buffer;
  writeFile(params: { path: string; data: Buffer | string; mode?: number }): null;
  /** First line of a file, from `offset` on, that the pattern matches; waits until there is one. */
  waitForLine(params: { path: string; pattern: string; timeoutMs: number; offset?: number }): string;
  openDevice(params: Opening): OpenedDevice;
  /** Calls one method of an open device. */
  callDevice(params: { handle: number; method: string; args: readonly unknown[] }): unknown;
  /** Calls a function of `@transship/native` that returns plain data, such as brokerInfo. */
  callNative(params: { name: string; args: readonly unknown[] }): unknown;
  /** Ends the program, and the guest with it when it is the first. */
  end(params: object): null;
}

export type MethodName = keyof Methods;

/** What crosses of an error: its message, and the fields of a NativeError or of an error of the system. */
export interface WireError {
  readonly message: string;
  readonly code: string | null;
  readonly errno: string | number | null;
  readonly operation: string | null;
  readonly register: string | null;
  readonly state: string | null;
}

export interface Request {
  readonly id: number;
  readonly method: string;
  readonly params: Record<string, unknown>;
}

export type Answer =
  { readonly id: number; readonly result: unknown } | { readonly id: number; readonly error: WireError };

/** One line, with its end. Buffers become `{"$bytes": base64}`, bigints `{"$bigint": decimal}`. */
export function encode(message: Request | Answer): string {
  return `${JSON.stringify(message, function replace(this: Record<string, unknown>, key, value: unknown) {
    // JSON.stringify calls Buffer's toJSON before this function; the holder still has the buffer.
    const original = this[key];
    if (original instanceof Uint8Array) return { $bytes: Buffer.from(original).toString('base64') };
    if (typeof original === 'bigint') return { $bigint: String(original) };
    return value;
  })}\n`;
}

/** @throws SyntaxError when the line is no JSON. */
export function decode(line: string): unknown {
  return JSON.parse(line, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value;
    if ('$bytes' in value) return Buffer.from(String(value.$bytes), 'base64');
    if ('$bigint' in value) return BigInt(String(value.$bigint));
    return value;
  });
}
