import { expect, test } from '@jest/globals';
import { FreshAnswer } from '@transship/node-agent/internal/fresh-answer';
import { settle } from '../support/manual-clock.ts';

function questions() {
  const asked: PromiseWithResolvers<number>[] = [];
  const answer = new FreshAnswer(() => {
    const question = Promise.withResolvers<number>();
    asked.push(question);
    return question.promise;
  });
  return { asked, answer };
}

test('who asks while a question is out waits for the next answer, together with all others', async () => {
  const { asked, answer } = questions();
  const first = answer.ask();
  const late = [answer.ask(), answer.ask()];
  expect(asked).toHaveLength(1);
  asked[0]?.resolve(1);
  await expect(first).resolves.toBe(1);
  await settle();
  expect(asked).toHaveLength(2);
  asked[1]?.resolve(2);
  await expect(Promise.all(late)).resolves.toEqual([2, 2]);
});

test('a question that fails does not fail the next', async () => {
  const { asked, answer } = questions();
  const first = answer.ask();
  const second = answer.ask();
  asked[0]?.reject(new Error('nobody is there'));
  await expect(first).rejects.toThrow('nobody is there');
  await settle();
  asked[1]?.resolve(2);
  await expect(second).resolves.toBe(2);
});

test('a question that is never answered is not asked again', async () => {
  const { asked, answer } = questions();
  for (let round = 0; round < 10; round += 1) void answer.ask();
  await settle();
  expect(asked).toHaveLength(1);
});
