import { describe, expect, test } from '@jest/globals';
import { openBrokered, openKernel, openVfioUser, type NativeError } from '@transship/native';

const wrong = { code: 'TRANSSHIP_INVALID_ARGUMENT' } satisfies Partial<NativeError>;

describe('opening a device looks at its arguments before anything else', () => {
  test.each(['', 'a\0b'])('the name %j', async (name) => {
    await expect(openVfioUser(name)).rejects.toMatchObject({ ...wrong, operation: 'openVfioUser' });
    await expect(openKernel(name)).rejects.toMatchObject({ ...wrong, operation: 'openKernel' });
    await expect(openBrokered(name, 'gpu-a/0')).rejects.toMatchObject({
      ...wrong,
      operation: 'openBrokered',
    });
    await expect(openBrokered('/run/broker.sock', name)).rejects.toMatchObject(wrong);
  });

  test.each([0, -1, 1.5, Number.NaN, 2 ** 31])('timeoutMs %p', async (timeoutMs) => {
    await expect(openVfioUser('/s', { timeoutMs })).rejects.toMatchObject(wrong);
    await expect(openKernel('0000:00:00.0', { timeoutMs })).rejects.toMatchObject(wrong);
    await expect(openBrokered('/s', 'gpu-a/0', { timeoutMs })).rejects.toMatchObject(wrong);
  });

  test('a size of transfers, and an interface, that there is not', async () => {
    await expect(openVfioUser('/s', { maxTransfer: -1 })).rejects.toMatchObject(wrong);
    const other = { interface: 'both' as 'auto' };
    await expect(openKernel('0000:00:00.0', other)).rejects.toMatchObject(wrong);
  });
});
