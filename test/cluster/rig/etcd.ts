import { join } from 'node:path';

import type { ChildOptions } from './child-process.ts';
import { send } from './http.ts';

/** Where one etcd lives. */
export interface EtcdOptions {
  readonly assetsDir: string;
  readonly workDir: string;
  readonly clientPort: number;
  readonly peerPort: number;
}

/** URL that the API server reaches etcd at: plain HTTP, as it stays on the loopback interface. */
export function etcdUrl(options: Pick<EtcdOptions, 'clientPort'>): string {
  return `http://127.0.0.1:${options.clientPort}`;
}

/** How to start a cluster of one etcd. */
export function etcdChild(options: EtcdOptions): ChildOptions {
  const client = etcdUrl(options);
  const peer = `http://127.0.0.1:${options.peerPort}`;
  return {
    name: 'etcd',
    program: join(options.assetsDir, 'etcd'),
    logFile: join(options.workDir, 'etcd.log'),
    args: [
      '--name=rig',
      `--data-dir=${join(options.workDir, 'etcd')}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=rig=${peer}`,
      '--log-level=warn',
      // Data of a test need not survive a power failure, and a shared disk makes fsync slow.
      '--unsafe-no-fsync',
    ],
  };
}

/** Whether etcd has a leader and takes writes. */
export async function etcdIsReady(options: EtcdOptions): Promise<boolean> {
  const { status } = await send({ url: `${etcdUrl(options)}/health`, timeoutMs: 10_000 });
  return status === 200;
}
