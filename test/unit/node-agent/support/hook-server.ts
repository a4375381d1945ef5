import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { WorkloadHook } from '@transship/node-agent/internal/workload/hook-wire';

/** A hook on a Unix socket of its own that answers as the test says, and is UNIMPLEMENTED where it says nothing. */
export class HookServer {
  readonly socketPath: string;
  readonly #directory: string;
  readonly #server: Server;

  private constructor(directory: string, server: Server) {
    this.#directory = directory;
    this.socketPath = join(directory, 'hook.sock');
    this.#server = server;
  }

  static async serving(methods: UntypedServiceImplementation): Promise<HookServer> {
    const server = new Server({ 'grpc.max_receive_message_length': 2 * 1024 * 1024 });
    server.addService(WorkloadHook.service, methods);
    const hook = new HookServer(await mkdtemp(join(tmpdir(), 'ts-hook-')), server);
    await hook.#bind();
    return hook;
  }

  /** As a process that is killed: whatever is under way is cut, and nobody listens any more. */
  die(): void {
    this.#server.forceShutdown();
  }

  async close(): Promise<void> {
    this.die();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #bind(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(`unix:${this.socketPath}`, ServerCredentials.createInsecure(), (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }
}
