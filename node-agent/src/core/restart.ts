import { freshLive } from './bind.ts';
import { Draft, fail } from './draft.ts';
import type { Observation } from './effects.ts';
import type { Phase } from './phase.ts';
import { sourceFailed } from './source-advance.ts';
import { beforeStop } from './source-commands.ts';
import { mayBeThawedLate } from './target-advance.ts';
import { beforePromise } from './target-commands.ts';

const FREEZE_MAY_BE_OUT: ReadonlySet<Phase> = new Set<Phase>(['Quiescing', 'Unquiescing', 'RollingBack']);

/**
 * The agent process died and came back: everything volatile is gone, the devices are where they are. What
 * was promised stands; what was only under way is given up (source before stop), waits for a command (the
 * streams of a generation are lost), or goes on (the decided ways forward and back).
 */
export function onRestart(draft: Draft, observed: Observation): void {
  draft.setLive(freshLive(draft.s.devices, observed));
  // The freeze that the dead process asked for may yet be obeyed: only a thaw takes it back.
  if (FREEZE_MAY_BE_OUT.has(draft.phase) && observed.workload === 'running')
    draft.setLive({ workload: 'unknown' });
  // The thaw of a set that is taken back may yet be obeyed: its workload is stopped like one that runs.
  if (mayBeThawedLate(draft) && observed.workload !== 'discarded') draft.setLive({ workload: 'running' });
  const loss = draft.observe(observed);
  // Where a RESET of ours was out, another incarnation is what it was to bring.
  const resets = ['Preparing', 'Discarding', 'Releasing'].includes(draft.phase);
  if (loss !== null && !resets) draft.note(loss);
  const why = fail(
    'AgentRestarted',
    'the agent was restarted while the streams of this generation were moving',
  );
  const { phase } = draft;
  if (draft.s.role === 'source') {
    // Its streams may have been taken in part: nobody could tell where what comes next would belong.
    if (phase === 'Stopping') draft.setLive({ lostGeneration: draft.s.generation });
    if (beforeStop(phase) || phase === 'Stopping') sourceFailed(draft, why);
    else if (phase === 'Stopped') {
      // The promise holds: every stream was taken by the target before it was journalled.
      draft.setLive({
        streams: draft.s.promised.map((totals) => ({
          totals,
          ended: true,
          pendingBytes: 0,
          initialPending: false,
          stopCopyBytes: 0,
        })),
      });
    }
  } else if (beforePromise(phase)) {
    draft.halt(why);
  } else if (phase === 'Verified') {
    for (const index of draft.indexes) {
      const { state } = draft.device(index);
      const { id } = draft.bound(index);
      if (state !== 'Stop' && state !== 'Unknown') {
        draft.lose(index, fail('DeviceStateLost', `${id} was verified at Stop and is ${state} now`, id));
      }
    }
  }
}
