import { expect, test } from '@jest/globals';

test('asserts nothing', () => {}); // expect: expect-expect
test.only('is singled out', () => expect(1).toBe(1)); // expect: no-focused-tests
test.skip('is switched off', () => expect(1).toBe(1)); // expect: no-disabled-tests
