import type {
  Phase,
  PullSource,
  SourceCommand,
  SourcePhase,
  TargetCommand,
  TargetPhase,
} from '@transship/node-agent/core';
import { totalsOf } from './core-facts.ts';
import { FakeNode, type NodeOptions } from './core-harness.ts';

/** A step of a script: a command, or the quiesce deadline running out. */
type Step = SourceCommand | TargetCommand | { readonly kind: 'quiesceDeadline' };

export interface VoyageOptions extends NodeOptions {
  /** Source: skip pre-copy. */
  readonly stopCopy?: boolean;
  /** Source: deadline policy Wait. */
  readonly wait?: boolean;
}

export const PULL: PullSource = { endpoint: 'a:1', node: 'a', ticket: 'ticket', bandwidthLimit: 0 };

export const ATTACH = { kind: 'attach' } as const;
export const QUIESCE = { kind: 'quiesce', timeoutMs: 2000, waitOnTimeout: false } as const;
export const PRE_COPY = { kind: 'preCopy', generation: 1 } as const;
export const STOP = { kind: 'stop', generation: 1 } as const;
export const prepareSource = (node: FakeNode, generation = 1): SourceCommand => ({
  kind: 'prepare',
  generation,
  devices: node.ids,
});
export const prepareTarget = (node: FakeNode, generation = 1): TargetCommand => ({
  kind: 'prepare',
  generation,
  devices: node.ids,
  pull: PULL,
});
export const verify = (node: FakeNode, generation = 1): TargetCommand => ({
  kind: 'verify',
  generation,
  expected: totalsOf(node.ids.length, generation),
});

/** The commands that take a fresh source through `phase`. */
function sourceScript(node: FakeNode, phase: SourcePhase, { stopCopy, wait }: VoyageOptions): Step[] {
  const start = [ATTACH, prepareSource(node)];
  const running = stopCopy === true ? start : [...start, PRE_COPY];
  const quiesced = [...running, { ...QUIESCE, waitOnTimeout: wait ?? false }];
  const stopped = [...quiesced, STOP];
  switch (phase) {
    case 'Fenced':
      return [ATTACH];
    case 'Prepared':
      return start;
    case 'PreCopying':
    case 'PreCopy':
      return [...start, PRE_COPY];
    case 'Quiescing':
    case 'Quiesced':
      return quiesced;
    case 'Unquiescing':
      return [...running, { ...QUIESCE, waitOnTimeout: true }, { kind: 'quiesceDeadline' }];
    case 'Stopping':
    case 'Stopped':
      return stopped;
    case 'RollingBack':
    case 'Restarting':
    case 'RolledBack':
      return [...stopped, { kind: 'rollBack', decision: 'Abort' }];
    case 'Releasing':
    case 'Released':
      return [...stopped, { kind: 'release', decision: 'Commit' }];
  }
}

/** The commands that take a fresh target through `phase`. */
function targetScript(node: FakeNode, phase: TargetPhase): Step[] {
  const loaded = [ATTACH, prepareTarget(node)];
  const verified = [...loaded, verify(node)];
  switch (phase) {
    case 'Fenced':
      return [ATTACH];
    case 'Preparing':
    case 'Loading':
      return loaded;
    case 'Verifying':
    case 'Verified':
      return verified;
    case 'Activating':
    case 'Starting':
    case 'Active':
      return [...verified, { kind: 'activate', decision: 'Commit' }];
    case 'Discarding':
    case 'Discarded':
      return [...loaded, { kind: 'discard', decision: 'Undecided' }];
  }
}

/** Runs a script to the moment at which `phase` is entered; everything ordered then is still out. */
function runTo(node: FakeNode, phase: Phase, script: readonly Step[]): FakeNode {
  for (const step of script) {
    if (step.kind === 'quiesceDeadline') {
      // The deadline finds the workload frozen and the devices on their way.
      node.finish('workload');
      node.event({ kind: 'quiesceDeadline' });
    } else {
      const refusal = node.send(step);
      if (refusal !== null) throw new Error(`${step.kind} was refused: ${refusal.code}: ${refusal.message}`);
    }
    const last = step === script.at(-1);
    const next = script[script.indexOf(step) + 1];
    if (last || next?.kind !== 'quiesceDeadline') node.settle(last ? { until: phase } : {});
    if (last && node.phase !== phase) throw new Error(`${phase} was not entered but ${node.phase}`);
  }
  return node;
}

export const sourceAt = (phase: SourcePhase, options: VoyageOptions = {}): FakeNode => {
  const node = new FakeNode('source', options);
  return runTo(node, phase, sourceScript(node, phase, options));
};

export const targetAt = (phase: TargetPhase, options: VoyageOptions = {}): FakeNode => {
  const node = new FakeNode('target', options);
  return runTo(node, phase, targetScript(node, phase));
};

/**
 * Everything that is out ends well, in every order in which it can. Returns each distinct end; throws when an
 * order breaks a rule of the set on any of the ways.
 */
export function everyOrder(start: FakeNode): { readonly ends: FakeNode[]; readonly visited: number } {
  const seen = new Set<string>();
  const ends: FakeNode[] = [];
  const open = [start];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const key = node.fingerprint();
    if (seen.has(key)) continue;
    seen.add(key);
    if (node.jobs.length === 0) ends.push(node);
    for (const job of node.jobs) {
      const next = node.fork();
      next.finish(job);
      open.push(next);
    }
  }
  return { ends, visited: seen.size };
}
