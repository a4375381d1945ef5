import { describe, expect, test } from '@jest/globals';
import { readExternals, writeExternals } from '@transship/node-agent/internal/device/externals';

/** A PCI configuration space in memory; `msix` is where its capability stands behind another one, or null. */
class FakeConfigSpace {
  readonly bytes = Buffer.alloc(256);
  readonly writes: number[] = [];

  constructor(msix: number | null) {
    this.bytes.writeUInt16LE(0x10, 0x06);
    this.bytes.writeUInt8(0x40, 0x34);
    this.bytes.writeUInt16LE(0x01 | ((msix ?? 0) << 8), 0x40);
    if (msix !== null) {
      this.bytes.writeUInt8(0x11, msix);
      this.bytes.writeUInt16LE(0x0003, msix + 2);
    }
  }

  readConfig(offset: number, length: number): Promise<Buffer> {
    return Promise.resolve(Buffer.from(this.bytes.subarray(offset, offset + length)));
  }

  writeConfig(offset: number, data: Uint8Array): Promise<void> {
    this.writes.push(offset);
    this.bytes.set(data, offset);
    return Promise.resolve();
  }
}

describe('what is not in the stream of a device', () => {
  test('is restored, bus master last, with the table size of the target', async () => {
    const source = new FakeConfigSpace(0x50);
    source.bytes.writeUInt16LE(0x0406, 0x04);
    source.bytes.writeUInt16LE(0xc003, 0x52);
    const target = new FakeConfigSpace(0x60);
    target.bytes.writeUInt16LE(0x0007, 0x62);
    await writeExternals(target, await readExternals(source));
    expect(target.bytes.readUInt16LE(0x04)).toBe(0x0406);
    expect(target.bytes.readUInt16LE(0x62)).toBe(0xc007);
    expect(target.writes).toEqual([0x62, 0x04]);
  });

  test('needs no MSI-X', async () => {
    const source = new FakeConfigSpace(null);
    source.bytes.writeUInt16LE(0x0004, 0x04);
    const target = new FakeConfigSpace(null);
    await writeExternals(target, await readExternals(source));
    expect(target.bytes.readUInt16LE(0x04)).toBe(0x0004);
  });

  test('does not fit a device with other capabilities, and nothing is written', async () => {
    const externals = await readExternals(new FakeConfigSpace(0x50));
    const target = new FakeConfigSpace(null);
    await expect(writeExternals(target, externals)).rejects.toThrow('MSI-X');
    expect(target.writes).toEqual([]);
  });

  test.each([
    '',
    '{}',
    '{"version":2,"command":6,"msixControl":null}',
    '{"version":1,"command":65536,"msixControl":null}',
  ])('is refused when it is %p, and nothing is written', async (text) => {
    const target = new FakeConfigSpace(null);
    await expect(writeExternals(target, Buffer.from(text))).rejects.toBeDefined();
    expect(target.writes).toEqual([]);
  });

  test('is found although the capabilities of the device form a loop', async () => {
    const source = new FakeConfigSpace(null);
    source.bytes.writeUInt16LE(0x4001, 0x40);
    const externals = JSON.parse((await readExternals(source)).toString()) as { msixControl: unknown };
    expect(externals.msixControl).toBeNull();
  });
});
