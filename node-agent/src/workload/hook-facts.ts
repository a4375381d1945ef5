import type { IovaRange } from '../device/port.ts';
import type { WorkloadFacts } from './freezer.ts';
import type { DescribeResponse__Output } from './generated/transship/workload/v1alpha1/DescribeResponse.ts';

/** VFIO_DEVICE_FEATURE_DMA_LOGGING_START takes as many as fit into a page of 4 KiB (V2-31). */
const MAX_RANGES = 256;
const MAX_DEVICES = 256;
const PAGE_SIZE = { least: 4096n, most: 1n << 30n };
const END_OF_ADDRESSES = 1n << 64n;

/** @throws RangeError that says which rule of the contract the description breaks. */
export function factsFromWire(description: DescribeResponse__Output): WorkloadFacts {
  const { devices, livePass, dmaRanges, dmaPageSize } = description;
  if (devices.length > MAX_DEVICES) throw new RangeError(`${devices.length} devices, at most ${MAX_DEVICES}`);
  if (dmaRanges.length === 0) return { devices, livePass, dma: null };
  if (dmaRanges.length > MAX_RANGES) {
    throw new RangeError(`${dmaRanges.length} dma_ranges, at most ${MAX_RANGES}`);
  }
  const pageSize = BigInt(dmaPageSize);
  const isPower = (pageSize & (pageSize - 1n)) === 0n;
  if (pageSize < PAGE_SIZE.least || pageSize > PAGE_SIZE.most || !isPower) {
    throw new RangeError(`dma_page_size is ${pageSize}, not a power of two from 4096 to 2^30`);
  }
  const ranges = dmaRanges.map(({ iova, length }) => ({ iova: BigInt(iova), length: BigInt(length) }));
  for (const range of ranges) checkRange(range, pageSize);
  checkApart(ranges);
  return { devices, livePass, dma: { ranges, pageSize: Number(pageSize) } };
}

function checkRange({ iova, length }: IovaRange, pageSize: bigint): void {
  const where = `the range of ${length} bytes at 0x${iova.toString(16)}`;
  if (length === 0n) throw new RangeError(`${where} is empty`);
  if (iova % pageSize !== 0n || length % pageSize !== 0n) {
    throw new RangeError(`${where} is not made of pages of ${pageSize} bytes`);
  }
  if (iova + length > END_OF_ADDRESSES) throw new RangeError(`${where} goes beyond the address space`);
}

function checkApart(ranges: readonly IovaRange[]): void {
  const sorted = ranges.toSorted((a, b) => (a.iova < b.iova ? -1 : 1));
  sorted.reduce((before, range) => {
    if (before.iova + before.length > range.iova) {
      throw new RangeError(`two ranges overlap at 0x${range.iova.toString(16)}`);
    }
    return range;
  });
}
