import { describe, expect, test } from '@jest/globals';
import type { Session } from '@transship/node-agent/internal/core/session';
import type { PullRequest } from '@transship/node-agent/internal/transfer/frame';
import { refusePull } from '@transship/node-agent/internal/transfer/pull-gate';
import { FakeDevice } from '../support/fake-device.ts';
import { settle } from '../support/manual-clock.ts';
import { Passage, segments, until } from '../support/passage.ts';
import { aBoundDevice, aSession } from '../support/sessions.ts';

const session = aSession({ generation: 2, devices: [aBoundDevice('a/0'), aBoundDevice('a/1')] });
const request: PullRequest = {
  uid: 'uid-1',
  fence: 3,
  ticket: session.ticket,
  stream: { kind: 'device', deviceIndex: 1 },
  generation: 2,
  next: 0,
};

describe('a pull', () => {
  test('of the right migration, with its ticket, is served', () => {
    expect(refusePull(session, request, 3)).toBeNull();
  });

  test('of a generation that is still to come may wait for it', () => {
    expect(refusePull(session, { ...request, generation: 3 }, 3)).toBeNull();
  });

  test.each<[string, string, Session | null, Partial<PullRequest>, number]>([
    ['of a migration that is unknown here', 'TicketInvalid', null, {}, 0],
    ['with a wrong ticket', 'TicketInvalid', session, { ticket: `${session.ticket}x` }, 0],
    ['without a ticket', 'TicketInvalid', { ...session, ticket: '' }, { ticket: '' }, 0],
    ['with the ticket of another migration', 'TicketInvalid', { ...session, ticket: 'another' }, {}, 0],
    ['of a migration whose target is here', 'TicketInvalid', { ...session, role: 'target' }, {}, 0],
    ['with an older fence than a pull before', 'StaleFence', session, {}, 4],
    ['of a generation that is over', 'IllegalPhase', session, { generation: 1 }, 0],
    ['of a source that is on its way back', 'IllegalPhase', { ...session, phase: 'RollingBack' }, {}, 0],
    ['of a source that has ended', 'IllegalPhase', { ...session, phase: 'Released' }, {}, 0],
    [
      'of a device that the set has not',
      'IllegalPhase',
      session,
      { stream: { kind: 'device', deviceIndex: 2 } },
      0,
    ],
    ['of a second workload', 'IllegalPhase', session, { stream: { kind: 'workload', deviceIndex: 1 } }, 0],
  ])('%s is refused as %s', (_name, code, found, change, lastFence) => {
    expect(refusePull(found, { ...request, ...change }, lastFence)?.code).toBe(code);
  });
});

describe('the desk', () => {
  const passage = (): Passage => {
    const from = FakeDevice.holding('a/0', segments(8));
    from.state = 'StopCopy';
    return new Passage(from, FakeDevice.healthy('b/0'));
  };

  test('holds a pull open until its generation is being saved', async () => {
    const between = passage();
    const loading = between.load();
    await until(() => (between.pulls.requests.length === 3 ? true : null));
    await settle();
    const saving = between.save();
    saving.drain();
    await until(() => (between.isComplete ? true : null));
    expect(between.pulls.requests).toHaveLength(3);
    loading.end();
    saving.end();
  });

  test('serves no ticket of another migration, and the target gives up', async () => {
    const between = passage();
    const saving = between.save();
    const loading = between.load(1, 'ticket-of-uid-2-ticket-of-uid-2');
    await until(() => between.target.failure);
    expect(between.target.failure?.code).toBe('TicketInvalid');
    loading.end();
    saving.end();
  });

  test('refuses a pull with an older fence than the one before', async () => {
    const between = passage();
    const saving = between.save();
    const newer = between.load(1, between.session.ticket, 5);
    await until(() => (between.pulls.requests.length === 3 ? true : null));
    const older = between.load(1, between.session.ticket, 4);
    await until(() => between.target.failure);
    expect(between.target.failure?.code).toBe('StaleFence');
    newer.end();
    older.end();
    saving.end();
  });

  test('lets those go who wait for what will not come any more', async () => {
    const between = passage();
    const loading = between.load();
    await until(() => (between.pulls.requests.length === 3 ? true : null));
    between.session = { ...between.session, phase: 'RollingBack' };
    between.desk.review('uid-1');
    await until(() => between.target.failure);
    expect(between.target.failure?.code).toBe('IllegalPhase');
    loading.end();
  });

  test('a target that comes back after its generation was given up is told so', async () => {
    const between = passage();
    const saving = between.save();
    const loading = between.load();
    await until(() => (between.pulls.requests.length === 3 ? true : null));
    between.session = { ...between.session, generation: 2 };
    saving.end();
    await until(() => between.target.failure);
    expect(between.target.failure?.code).toBe('IllegalPhase');
    loading.end();
  });
});
