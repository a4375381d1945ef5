import { describe, expect, test } from '@jest/globals';
import type { SavingDevice } from '@transship/node-agent/internal/device/port';
import { DeviceSource } from '@transship/node-agent/internal/transfer/device-source';

const QUESTIONS = ['precopyInfo', 'pendingBytes', 'stopCopyBytes', 'nextSegment'] as const;

/** A device that is told what it is asked, and ends `source` while it answers the question `last`. */
function endedDuring(last: (typeof QUESTIONS)[number] | null) {
  const asked: string[] = [];
  const answer = <T>(question: (typeof QUESTIONS)[number], value: T): Promise<T> => {
    asked.push(question);
    if (question === last) source.end();
    return Promise.resolve(value);
  };
  const device: SavingDevice = {
    id: 'a/0',
    precopyInfo: () => answer('precopyInfo', null),
    pendingBytes: () => answer('pendingBytes', 1),
    stopCopyBytes: () => answer('stopCopyBytes', 1),
    nextSegment: () => answer('nextSegment', { size: 7, ended: false }),
    readSegment: () => Promise.reject(new Error('nobody asks for it')),
    readExternals: () => Promise.reject(new Error('nobody asks for it')),
  };
  const source: DeviceSource = new DeviceSource(device, () => 0);
  return { source, asked };
}

describe('a device that is read', () => {
  test('is asked for its estimates and the next segment', async () => {
    const { source, asked } = endedDuring(null);
    expect(await source.next()).toEqual({ size: 7 });
    expect(asked).toEqual(QUESTIONS);
  });

  test.each(QUESTIONS)('is asked nothing more once its stream was ended during %s', async (last) => {
    const { source, asked } = endedDuring(last);
    expect(await source.next()).toBe('nothing');
    expect(await source.next()).toBe('nothing');
    expect(asked).toEqual(QUESTIONS.slice(0, QUESTIONS.indexOf(last) + 1));
  });
});
