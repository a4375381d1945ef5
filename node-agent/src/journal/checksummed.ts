import { crc32 } from 'node:zlib';

/** Nothing that an agent keeps comes near it; a larger file is not one of ours. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** What is in a file, or why it cannot be used, for people. */
export type Checked =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly why: string };

/**
 * Two lines: a value as JSON, then the CRC-32 of that line's bytes (`crc32 1a2b3c4d`), so that a torn or altered file
 * is known for what it is.
 */
export function encodeChecked(value: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(value));
  return Buffer.concat([json, Buffer.from(`\ncrc32 ${checksum(json)}\n`)]);
}

/** Never throws: whatever is in the file, the answer says what it is. */
export function decodeChecked(contents: Buffer): Checked {
  if (contents.length > MAX_FILE_BYTES) return unusable(`it has ${contents.length} bytes`);
  const end = contents.indexOf('\n');
  if (end < 0) return unusable('it is torn: the line of the checksum is missing');
  const json = contents.subarray(0, end);
  const trailer = contents.subarray(end + 1).toString('latin1');
  if (trailer !== `crc32 ${checksum(json)}\n`) return unusable('its checksum does not match');
  try {
    return { ok: true, value: JSON.parse(json.toString('utf8')) };
  } catch {
    return unusable('it is not JSON');
  }
}

const unusable = (why: string): Checked => ({ ok: false, why });

const checksum = (bytes: Buffer): string => crc32(bytes).toString(16).padStart(8, '0');
