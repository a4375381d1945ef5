/** CRC-32C (Castagnoli, reflected 0x82F63B78), bit by bit: a second implementation, from the definition. */
export function crc32c(data: Buffer, seed = 0): number {
  let crc = ~seed >>> 0;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f63b78;
  }
  return ~crc >>> 0;
}
