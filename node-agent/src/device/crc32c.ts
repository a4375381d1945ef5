/** CRC32C on the CPU's instruction; everybody else takes it as a parameter. */
export { crc32c } from '@transship/native';
