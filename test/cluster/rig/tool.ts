import { execFile } from 'node:child_process';

/** How a command-line tool ended. */
export interface ToolResult {
  /** Exit code; 0 is success. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One run of a command-line tool. */
export interface ToolOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Written to standard input, which is empty otherwise. */
  readonly input?: string;
  /** Deadline; the tool is killed past it. */
  readonly timeoutMs: number;
}

const MAX_OUTPUT_BYTES = 16 << 20;

/**
 * Runs a tool to its end and returns what it said, whatever its exit code.
 * @throws when it cannot be started, is killed by a signal or the deadline, or prints more than 16 MiB.
 */
export function runTool(program: string, args: readonly string[], options: ToolOptions): Promise<ToolResult> {
  const { env, input, timeoutMs } = options;
  return new Promise((resolve, reject) => {
    const limits = { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT_BYTES } as const;
    const child = execFile(program, args, { env, ...limits }, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr });
      else reject(new Error(`${program} ${args.join(' ')} did not finish: ${stderr}`, { cause: error }));
    });
    // A tool that ends without reading its input closes the pipe; its exit code tells the rest.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}
