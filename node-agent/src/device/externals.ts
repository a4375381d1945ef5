import { z } from 'zod';

/**
 * What is not in a device's own stream because it is set from outside: the PCI command register (memory decoding,
 * bus master) and the control word of MSI-X. RESET clears both, and without bus master a device does no DMA.
 * Addresses (BARs) and the MSI-X table belong to the host that programs them and stay as the target's are. So do the
 * eventfds of interrupts: they are the workload's, which sets them itself once it holds the device.
 */
export interface ConfigSpace {
  readConfig(offset: number, length: number): Promise<Buffer>;
  writeConfig(offset: number, data: Uint8Array): Promise<void>;
}

// Offsets and bits of PCI configuration space (PCI Local Bus Specification 3.0, chapter 6; linux/pci_regs.h).
const PCI_COMMAND = 0x04;
const PCI_COMMAND_MASTER = 0x4;
const PCI_STATUS = 0x06;
const PCI_STATUS_CAP_LIST = 0x10;
const PCI_CAPABILITY_LIST = 0x34;
const PCI_CAP_ID_MSIX = 0x11;
const PCI_MSIX_FLAGS = 2;
/** Enable and function mask: all that software may write of the control word. */
const PCI_MSIX_FLAGS_WRITABLE = 0xc000;
/** A list longer than the space has room for is a loop. */
const MAX_CAPABILITIES = (0x100 - 0x40) / 4;

const word = z.int().min(0).max(0xffff);
const externalsSchema = z.strictObject({
  version: z.literal(1),
  command: word,
  msixControl: word.nullable(),
});

/** Encoded size limit at the target: the format needs less than a tenth of it. */
export const MAX_EXTERNALS_BYTES = 4096;

export async function readExternals(space: ConfigSpace): Promise<Buffer> {
  const command = await read16(space, PCI_COMMAND);
  const msix = await findMsix(space);
  const msixControl = msix === null ? null : await read16(space, msix + PCI_MSIX_FLAGS);
  return Buffer.from(JSON.stringify({ version: 1, command, msixControl }));
}

/** Bus master comes last. @throws Error when the bytes or the device do not fit. */
export async function writeExternals(space: ConfigSpace, encoded: Buffer): Promise<void> {
  const externals = externalsSchema.parse(JSON.parse(encoded.toString('utf8')));
  const msix = await findMsix(space);
  if ((msix === null) !== (externals.msixControl === null)) {
    throw new Error('one of source and target has an MSI-X capability and the other has none');
  }
  if (msix !== null && externals.msixControl !== null) {
    const own = await read16(space, msix + PCI_MSIX_FLAGS);
    const control = (own & ~PCI_MSIX_FLAGS_WRITABLE) | (externals.msixControl & PCI_MSIX_FLAGS_WRITABLE);
    await write16(space, msix + PCI_MSIX_FLAGS, control);
  }
  await write16(space, PCI_COMMAND, externals.command);
}

/** Takes bus mastering from a device, so that it reaches no memory before its state is complete (V2-36). */
export async function clearBusMaster(space: ConfigSpace): Promise<void> {
  const command = await read16(space, PCI_COMMAND);
  if ((command & PCI_COMMAND_MASTER) === 0) return;
  await write16(space, PCI_COMMAND, command & ~PCI_COMMAND_MASTER);
}

async function findMsix(space: ConfigSpace): Promise<number | null> {
  if (((await read16(space, PCI_STATUS)) & PCI_STATUS_CAP_LIST) === 0) return null;
  let at = (await space.readConfig(PCI_CAPABILITY_LIST, 1)).readUInt8();
  for (let seen = 0; at >= 0x40 && seen < MAX_CAPABILITIES; seen += 1) {
    const offset = at & 0xfc;
    const header = await read16(space, offset);
    if ((header & 0xff) === PCI_CAP_ID_MSIX) return offset;
    at = header >> 8;
  }
  return null;
}

async function read16(space: ConfigSpace, offset: number): Promise<number> {
  return (await space.readConfig(offset, 2)).readUInt16LE();
}

async function write16(space: ConfigSpace, offset: number, value: number): Promise<void> {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  await space.writeConfig(offset, bytes);
}
