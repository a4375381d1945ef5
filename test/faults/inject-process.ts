/** Faults of processes: agents, operators, servers of devices. */
import { eventually, type ManagedProcess } from '../support/managed-process.ts';
import type { Injection, Proof, Scene } from './injection.ts';
import type { FaultNode } from './rig/fault-node.ts';
import type { FaultRig } from './rig/fault-rig.ts';

const PATIENCE_MS = 120_000;
/** How long an operator that finds its folder taken may need to end. */
const YIELD_MS = 60_000;

const nothing = (): Promise<void> => Promise.resolve();

/** Kills a process in the held step; `again` starts its successor. */
function killing(of: (rig: FaultRig) => ManagedProcess, again: (rig: FaultRig) => Promise<void>): Injection {
  const killed = new WeakMap<Scene, { readonly process: ManagedProcess; readonly proof: Proof }>();
  return {
    when: () => 'held',
    strike: async (scene) => {
      const process = of(scene.rig);
      const step = await scene.watch.step();
      scene.rig.cluster?.retire(process);
      await process.kill();
      const evidence = process.running ? null : `${process.name} (pid ${process.pid}) ended by SIGKILL`;
      killed.set(scene, { process, proof: { step, evidence } });
    },
    prove: async (scene) => killed.get(scene)?.proof ?? { step: null, evidence: null },
    lift: ({ rig }) => again(rig),
  };
}

const agentKilled = (of: (rig: FaultRig) => FaultNode): Injection =>
  killing(
    (rig) => of(rig).agent.process,
    (rig) => of(rig).startAgentAgain(),
  );

const emulatorKilled = (of: (rig: FaultRig) => FaultNode): Injection =>
  killing(
    (rig) => of(rig).emulator.process,
    (rig) => of(rig).startEmulatorAgain(),
  );

/** The first operator stands still, a second one takes over, the first goes on and finds that it may not. */
function leaderChanged(): Injection {
  const scenes = new WeakMap<Scene, { former: ManagedProcess; next: ManagedProcess; proof: Proof }>();
  return {
    when: () => 'held',
    strike: async (scene) => {
      const { rig, watch } = scene;
      const former = rig.operator;
      const { fence, operator } = (await watch.record()).status;
      const step = await watch.step();
      former.signal('SIGSTOP');
      const next = await rig.startSecondOperator();
      const taken = await eventually('another operator raises the fence', PATIENCE_MS, async () => {
        const { status } = await watch.record();
        const isTaken = status.fence > fence && status.operator !== operator;
        // Nobody takes up what has ended, as it may have in a random schedule; that proves nothing.
        return isTaken || status.completedAt !== undefined ? { ...status, isTaken } : null;
      });
      const evidence = taken.isTaken
        ? `fence ${fence} of ${operator} became ${taken.fence} of ${taken.operator}`
        : null;
      scenes.set(scene, { former, next, proof: { step, evidence } });
      // What it could find out by is over, and the folder may still be its own.
      if (!taken.isTaken) await former.kill();
      former.signal('SIGCONT');
    },
    prove: async (scene) => scenes.get(scene)?.proof ?? { step: null, evidence: null },
    lift: async (scene) => {
      const found = scenes.get(scene);
      if (found === undefined) return;
      scene.rig.succeed(found.next);
      await eventually('the former operator ends', YIELD_MS, () =>
        found.former.running ? null : true,
      ).catch(async (error: unknown) => {
        await found.former.kill();
        throw error;
      });
    },
  };
}

/** The wall clock of every program of the product jumps an hour ahead. */
function clockJumped(): Injection {
  const AHEAD_S = 3_600;
  const aheadOf = ({ rig: { clock } }: Scene): number => clock?.ahead ?? 0;
  const jumpedLine = (log: string, since: number): string | null => {
    const line = log.split('\n').findLast((candidate) => candidate.includes('"time":"'));
    const time = Date.parse(/"time":"([^"]+)"/u.exec(line ?? '')?.[1] ?? '');
    return time - since > (AHEAD_S * 1000) / 2 ? new Date(time).toISOString() : null;
  };
  const steps = new WeakMap<Scene, Proof['step']>();
  return {
    when: () => 'held',
    strike: async (scene) => {
      const { clock } = scene.rig;
      if (clock === null) throw new Error('the rig has no clock that can jump');
      steps.set(scene, await scene.watch.step());
      await clock.jump(AHEAD_S);
    },
    // Who writes nothing in a step that is held writes when the step ends.
    prove: async (scene) => ({ step: steps.get(scene) ?? null, evidence: `clock ${aheadOf(scene)} s ahead` }),
    lift: async (scene) => {
      const { rig } = scene;
      const since = Date.now() + (aheadOf(scene) - AHEAD_S) * 1000;
      await eventually('the operator logs a later time', PATIENCE_MS, async () =>
        jumpedLine(await rig.operator.log(), since),
      );
    },
  };
}

export const processFaults = {
  'source-killed': agentKilled(({ source }) => source),
  'target-killed': agentKilled(({ target }) => target),
  'operator-killed': killing(
    ({ operator }) => operator,
    (rig) => rig.startOperatorAgain(),
  ),
  'leader-changed': leaderChanged(),
  'source-died': emulatorKilled(({ source }) => source),
  'target-died': emulatorKilled(({ target }) => target),
  'clock-jumped': clockJumped(),
  deleted: deleted(),
} as const satisfies Readonly<Record<string, Injection>>;

/** The step is that of the moment before: an operator may have obeyed by the time it is seen that it was told. */
function deleted(): Injection {
  const steps = new WeakMap<Scene, Proof['step']>();
  return {
    when: () => 'held',
    strike: async (scene) => {
      steps.set(scene, await scene.watch.step());
      await scene.rig.remove(scene.watch.name);
    },
    prove: async (scene) => {
      const { rig, watch } = scene;
      const evidence = await eventually('the deletion is recorded', PATIENCE_MS, async () => {
        const record = await rig.record(watch.name);
        if (record === null) return 'the record is gone';
        const { deletionTimestamp } = record.metadata;
        return deletionTimestamp === undefined ? null : `deletionTimestamp ${deletionTimestamp}`;
      });
      return { step: steps.get(scene) ?? null, evidence };
    },
    lift: nothing,
  };
}
