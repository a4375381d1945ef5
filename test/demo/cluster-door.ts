import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isTerminal, parseMigration } from '@transship/crds';
import type { DeviceMigration, DeviceMigrationStatus } from '@transship/crds';
import type { ControlPlane } from '../cluster/rig/control-plane.ts';
import { kubectl } from '../support/kube-release.ts';
import { ManagedProcess } from '../support/managed-process.ts';
import { VOYAGE_DEADLINE_MS } from './door.ts';
import type { DemoDoor, Say } from './door.ts';
import type { DemoManifest } from './manifest.ts';

const POLL_MS = 100;
/** A migration that fails is never Ready; this often it is asked whether it has ended. */
const ASK_EVERY_MS = 2_000;

export interface ClusterDoorOptions {
  readonly plane: ControlPlane;
  readonly kubectlPath: string;
  /** For what kubectl prints while it watches. */
  readonly directory: string;
}

/** A real API server, spoken to as a person would: by kubectl. */
export class ClusterDoor implements DemoDoor {
  readonly #options: ClusterDoorOptions;
  #object: readonly string[] = [];

  constructor(options: ClusterDoorOptions) {
    this.#options = options;
  }

  async apply({ text, namespace, name }: DemoManifest, say: Say, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    this.#object = [`dmig/${name}`, '-n', namespace];
    const { plane } = this.#options;
    say('$ kubectl apply --validate=strict -f examples/devicemigration.yaml');
    say((await kubectl(plane, ['apply', '--validate=strict', '-f', '-'], text)).trimEnd());
    return kubectl(plane, ['get', ...this.#object, '-o', 'jsonpath={.metadata.uid}']);
  }

  async follow(say: Say, signal: AbortSignal): Promise<DeviceMigrationStatus> {
    const seconds = VOYAGE_DEADLINE_MS / 1000;
    const waitArgs = ['wait', ...this.#object, '--for=condition=Ready', `--timeout=${seconds}s`];
    say(`$ kubectl get ${this.#object.join(' ')} --watch &`);
    say(`$ kubectl ${waitArgs.join(' ')}`);
    await using watch = this.#start('watch', ['get', ...this.#object, '--watch']);
    await using wait = this.#start('wait', waitArgs);
    let said = 0;
    const tell = async (): Promise<void> => {
      const lines = (await watch.log()).split('\n').slice(0, -1);
      for (const line of lines.slice(said)) say(line);
      said = lines.length;
    };
    for (
      let askAt = performance.now() + ASK_EVERY_MS;
      wait.running;
      await delay(POLL_MS, undefined, { signal })
    ) {
      await tell();
      if (performance.now() < askAt) continue;
      if (isTerminal((await this.#get()).status.phase)) break;
      askAt = performance.now() + ASK_EVERY_MS;
    }
    await tell();
    if (!wait.running) say((await wait.log()).trimEnd());
    return (await this.#get()).status;
  }

  async #get(): Promise<DeviceMigration> {
    const text = await kubectl(this.#options.plane, ['get', ...this.#object, '-o', 'json']);
    const parsed = parseMigration(JSON.parse(text));
    if (!parsed.ok) throw new Error(`${this.#object[0]} cannot be read: ${parsed.message}`);
    return parsed.value;
  }

  #start(name: string, args: readonly string[]): ManagedProcess {
    const { plane, kubectlPath, directory } = this.#options;
    return new ManagedProcess({
      name: `kubectl ${name}`,
      program: kubectlPath,
      args,
      logFile: join(directory, `kubectl-${name}.log`),
      env: { KUBECONFIG: plane.kubeconfig, HOME: directory },
    });
  }
}
