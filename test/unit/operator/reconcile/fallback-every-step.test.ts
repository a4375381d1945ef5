import { describe, expect, test } from '@jest/globals';
import type { CommandRequest } from '@transship/node-agent/contract';
import { goodManifest } from '../../../support/bad-manifests.ts';
import { leftoversOf } from '../leftovers/stage.ts';
import { Loop, type InstantAgent } from './loop.ts';
import { MemoryStore } from './memory-store.ts';

/** How a node falls silent with a command: it was never heard, or obeyed, or obeyed by an agent that died with it. */
const WAYS = ['unheard', 'obeyed', 'restarted'] as const;
/** What else happens, at any one command of the voyage. */
const EVENTS = ['nothing', 'deletion', 'takeover'] as const;
/** More than any voyage has. */
const LAST = 40;
const TERMINAL: ReadonlySet<string> = new Set(['Succeeded', 'Failed', 'Aborted', 'Rejected']);

type Way = (typeof WAYS)[number];
type Event = (typeof EVENTS)[number];

/** One voyage in which nodes fall silent at their n-th command and come back when everybody else is done. */
class Story {
  loop: Loop;
  /** Commands that any agent was sent. */
  commands = 0;
  readonly struck = new Set<string>();
  happened = false;
  readonly #event: Event;
  readonly #eventAt: number;
  #takeover = false;

  constructor(event: Event, eventAt: number) {
    const { spec, ...manifest } = goodManifest();
    const recovery = { retries: 0, fallbackNodeNames: ['gpu-c'] };
    const strategy = { mode: 'StopCopy' };
    this.loop = new Loop(new MemoryStore({ ...manifest, spec: { ...spec, strategy, recovery } }));
    this.#event = event;
    this.#eventAt = eventAt;
    for (const agent of this.agents) this.#watch(agent);
  }

  get agents(): readonly InstantAgent[] {
    return [this.loop.source, this.loop.target, this.loop.fallback];
  }

  get status() {
    return this.loop.store.stored!.status;
  }

  silence(agent: InstantAgent, at: number, way: Way): void {
    const obey = agent.command.bind(agent);
    let heard = 0;
    agent.command = async (request: CommandRequest) => {
      heard += 1;
      if (heard !== at) return obey(request);
      this.struck.add(agent.prefix);
      if (way !== 'unheard') await obey(request);
      if (way === 'restarted') agent.node.restart();
      agent.silent = true;
      return obey(request);
    };
  }

  /** Until the end, and until what it left is freed; nodes that are silent come back once nothing moves without them. */
  async tell(): Promise<void> {
    for (let turn = 0; turn < 400 && !TERMINAL.has(this.loop.phase); turn += 1) {
      await this.loop.run(1);
      if (this.#takeover) this.#take();
      if (turn > 80) for (const agent of this.agents) agent.silent = false;
    }
    await this.loop.run(2);
    const { leftovers } = leftoversOf(this.loop);
    leftovers.note(this.loop.store.stored!);
    for (const agent of this.agents) agent.silent = false;
    for (let round = 0; round < 3; round += 1) await leftovers.round(new AbortController().signal);
  }

  /** Nodes on which the workload runs. */
  running(): string[] {
    return this.agents.flatMap(({ node, prefix }) => (node.workload === 'running' ? [prefix] : []));
  }

  #watch(agent: InstantAgent): void {
    const obey = agent.command.bind(agent);
    agent.command = async (request: CommandRequest) => {
      this.commands += 1;
      if (this.commands === this.#eventAt) this.#happen();
      const reply = await obey(request);
      if (this.running().length > 1) throw new Error(`the workload runs on ${this.running().join(' and ')}`);
      return reply;
    };
  }

  #happen(): void {
    this.happened = true;
    if (this.#event === 'deletion') this.loop.store.requestDeletion();
    this.#takeover = this.#event === 'takeover';
  }

  #take(): void {
    this.#takeover = false;
    this.loop = new Loop(this.loop.store, 'operator-2', this.loop);
  }
}

/** Whatever happened: it ends, the set runs on one side, and a target that was left has never been started. */
function expectWellEnded(told: Story, story: string): void {
  const { status, agents, loop } = told;
  const found = { story, phase: status.phase, runs: told.running() };
  expect(TERMINAL.has(status.phase) ? 'ended' : found).toBe('ended');
  const at = status.phase === 'Succeeded' ? (status.target?.nodeName ?? 'gpu-b') : 'gpu-a';
  expect(found).toEqual({ story, phase: status.phase, runs: [at] });
  for (const { node } of agents.filter(({ prefix }) => prefix !== at && prefix !== 'gpu-a')) {
    const held = node.agent?.session.phase ?? 'Fenced';
    expect({ story, held, started: node.phases.includes('Activating') }).toEqual({
      story,
      held: expect.stringMatching(/^(?:Fenced|Discarded)$/u),
      started: false,
    });
  }
  if (at === 'gpu-a') return;
  const { orders } = loop.source.node;
  expect({ story, freezes: orders.filter((order) => order === 'freeze').length }).toEqual({
    story,
    freezes: 1,
  });
  expect(orders).not.toContain('thaw');
}

describe.each(WAYS)('a target that falls silent at any of its commands (%s)', (way) => {
  test.each(EVENTS)('with %s at any command of the voyage', async (event) => {
    let replaced = 0;
    for (let at = 1; at <= LAST; at += 1) {
      let struck = false;
      for (let eventAt = 1; eventAt <= LAST; eventAt += 1) {
        const story = new Story(event, event === 'nothing' ? 0 : eventAt);
        story.silence(story.loop.target, at, way);
        await story.tell();
        expectWellEnded(story, `${way} at ${at}, ${event} at ${eventAt}`);
        struck ||= story.struck.size > 0;
        if (story.status.target !== undefined) replaced += 1;
        if (!story.happened) break;
      }
      if (!struck) break;
    }
    // Else this has shown nothing.
    expect(replaced).toBeGreaterThan(0);
  });

  test('and the next one as well: the set goes home', async () => {
    let home = 0;
    for (let at = 1; at <= LAST; at += 1) {
      let struck = false;
      for (let next = 1; next <= LAST; next += 1) {
        const story = new Story('nothing', 0);
        story.silence(story.loop.target, at, way);
        story.silence(story.loop.fallback, next, way);
        await story.tell();
        expectWellEnded(story, `${way} at ${at}, and at ${next}`);
        struck ||= story.struck.has('gpu-b');
        if (story.status.phase === 'Failed') home += 1;
        if (!story.struck.has('gpu-c')) break;
      }
      if (!struck) break;
    }
    expect(home).toBeGreaterThan(0);
  });
});
