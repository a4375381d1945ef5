// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA logging: which pages of the user's memory the device wrote to. One bit per page and range.
 *
 * A vfio built without CONFIG_IOMMUFD_DRIVER has no bitmap to report into (its REPORT fails
 * whatever the driver does), so v2_ops.c offers these operations only where there is one.
 */
#include <linux/bitmap.h>
#include <linux/interval_tree.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "transship.h"

#if IS_ENABLED(CONFIG_IOMMUFD_DRIVER)
MODULE_IMPORT_NS(IOMMUFD);
#endif

#define TS_LOG_PAGES (1UL << 24) /* of all ranges: 2 MiB of bits */

static void ts_log_free(struct ts_log_range *ranges, unsigned int count)
{
	unsigned int i;

	for (i = 0; ranges && i < count; i++)
		kvfree(ranges[i].bits);
	kvfree(ranges);
}

static unsigned long ts_log_pages(const struct ts_log_range *range, unsigned int shift)
{
	return (range->last >> shift) - (range->start >> shift) + 1;
}

static struct ts_log_range *ts_log_build(struct rb_root_cached *root, u32 count, unsigned int shift)
{
	struct ts_log_range *ranges = kvcalloc(count, sizeof(*ranges), GFP_KERNEL);
	struct interval_tree_node *node = interval_tree_iter_first(root, 0, ULONG_MAX);
	unsigned long total = 0;
	u32 i;

	if (!ranges)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < count && node; i++) {
		unsigned long pages;

		ranges[i].start = node->start;
		ranges[i].last = node->last;
		pages = ts_log_pages(&ranges[i], shift);
		if (pages > TS_LOG_PAGES - total) {
			ts_log_free(ranges, count);
			return ERR_PTR(-E2BIG);
		}
		total += pages;
		ranges[i].bits = kvcalloc(BITS_TO_LONGS(pages), sizeof(long), GFP_KERNEL);
		if (!ranges[i].bits) {
			ts_log_free(ranges, count);
			return ERR_PTR(-ENOMEM);
		}
		node = interval_tree_iter_next(node, 0, ULONG_MAX);
	}
	return ranges;
}

static int ts_log_start(struct vfio_device *vdev, struct rb_root_cached *root, u32 count, u64 *page_size)
{
	struct ts_device *dev = ts_from_vdev(vdev);
	struct ts_log *log = &dev->log;
	unsigned int shift = ilog2(roundup_pow_of_two(max(dev->options.log_page_kib, 4u))) + 10;
	struct ts_log_range *ranges = ts_log_build(root, count, shift);

	if (IS_ERR(ranges))
		return PTR_ERR(ranges);
	mutex_lock(&log->lock);
	if (log->ranges) {
		mutex_unlock(&log->lock);
		ts_log_free(ranges, count);
		return -EINVAL;
	}
	log->ranges = ranges;
	log->nr_ranges = count;
	log->page_shift = shift;
	mutex_unlock(&log->lock);
	*page_size = 1UL << shift;
	return 0;
}

void ts_log_end(struct ts_device *dev)
{
	struct ts_log *log = &dev->log;

	mutex_lock(&log->lock);
	ts_log_free(log->ranges, log->nr_ranges);
	log->ranges = NULL;
	log->nr_ranges = 0;
	mutex_unlock(&log->lock);
}

static int ts_log_stop(struct vfio_device *vdev)
{
	ts_log_end(ts_from_vdev(vdev));
	return 0;
}

void ts_log_dirty(struct ts_device *dev, u64 iova, u64 length)
{
	struct ts_log *log = &dev->log;
	u64 last = iova + length - 1;
	unsigned int i;

	mutex_lock(&log->lock);
	for (i = 0; i < log->nr_ranges; i++) {
		struct ts_log_range *range = &log->ranges[i];
		unsigned long first;

		if (last < range->start || iova > range->last)
			continue;
		first = max_t(u64, iova, range->start) >> log->page_shift;
		bitmap_set(range->bits, first - (range->start >> log->page_shift),
			   (min_t(u64, last, range->last) >> log->page_shift) - first + 1);
	}
	mutex_unlock(&log->lock);
}

/* Reports pages that lie in the asked range, whole or in part, and forgets them. */
static void ts_log_report(struct ts_log *log, struct ts_log_range *range, unsigned long first,
			  unsigned long last, struct iova_bitmap *dirty)
{
	unsigned long base = range->start >> log->page_shift;
	unsigned long bit, end = (last >> log->page_shift) - base + 1;

	for (bit = (first >> log->page_shift) - base; (bit = find_next_bit(range->bits, end, bit)) < end;
	     bit++) {
		unsigned long from = max((bit + base) << log->page_shift, first);
		unsigned long to = min(((bit + base + 1) << log->page_shift) - 1, last);

		iova_bitmap_set(dirty, from, to - from + 1);
		log->reported++;
		__clear_bit(bit, range->bits);
	}
}

static int ts_log_read_and_clear(struct vfio_device *vdev, unsigned long iova, unsigned long length,
				 struct iova_bitmap *dirty)
{
	struct ts_device *dev = ts_from_vdev(vdev);
	struct ts_log *log = &dev->log;
	struct ts_fault fault;
	unsigned int i;
	int ret = 0;

	if (ts_fault_take(&dev->faults, TS_FAULT_LOG, TS_ANY_STATE, &fault))
		return -fault.error;
	if (!length)
		return 0;
	mutex_lock(&log->lock);
	if (!log->ranges)
		ret = -EINVAL;
	for (i = 0; i < log->nr_ranges; i++) {
		struct ts_log_range *range = &log->ranges[i];
		unsigned long first = max(iova, range->start);
		unsigned long last = min(iova + length - 1, range->last);

		if (first <= last)
			ts_log_report(log, range, first, last, dirty);
	}
	mutex_unlock(&log->lock);
	return ret;
}

const struct vfio_log_ops ts_log_ops = {
	.log_start = ts_log_start,
	.log_stop = ts_log_stop,
	.log_read_and_clear = ts_log_read_and_clear,
};
