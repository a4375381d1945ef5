// SPDX-License-Identifier: GPL-2.0-only
/* One saving session: the device told in records. All pages count as dirty when it begins. */
#include <linux/bitmap.h>
#include <linux/pci_regs.h>
#include <linux/random.h>
#include <linux/unaligned.h>
#include <linux/xxhash.h>

#include "transship.h"

void ts_save_begin(struct ts_device *dev)
{
	struct ts_save *save = &dev->save;

	memset(save, 0, sizeof(*save));
	save->session = get_random_u64();
	save->initial_left = dev->memory.pages;
	save->truncated = ts_fault_take_record(&dev->faults, TS_FAULT_TRUNCATE, 0);
	save->active = true;
	dev->placed = false;
	ts_memory_mark_all(&dev->memory);
}

/* Most pages of one record. */
static u32 ts_pages_per_record(const struct ts_device *dev)
{
	size_t room = ts_segment_size(dev) - sizeof(struct ts_record) - sizeof(u64);

	return room / (PAGE_SIZE + sizeof(u32));
}

/* Bytes that `pages` pages take at most; a table may need padding. */
static u64 ts_pages_cost(const struct ts_device *dev, u64 pages)
{
	return pages * (PAGE_SIZE + sizeof(u32)) +
	       DIV_ROUND_UP_ULL(pages, ts_pages_per_record(dev)) * (sizeof(struct ts_record) + sizeof(u32));
}

#define TS_IDENTITY_COST (sizeof(struct ts_record) + sizeof(struct ts_identity))
#define TS_FINAL_COST (sizeof(struct ts_record) + sizeof(struct ts_final))

/* Estimate of what there is to tell at the moment; zero when there is nothing. */
u64 ts_save_pending(struct ts_device *dev)
{
	const struct ts_save *save = &dev->save;
	u64 pending;

	if (!save->active || save->truncated)
		return 0;
	pending = ts_pages_cost(dev, READ_ONCE(dev->memory.dirty_count));
	if (!save->index)
		pending += TS_IDENTITY_COST;
	if (!(dev->state & TS_RUNNING) && !save->final_told)
		pending += TS_FINAL_COST;
	return pending;
}

/* Splits the same into what was never told and what has changed since. */
void ts_save_estimate(struct ts_device *dev, u64 *initial, u64 *dirty)
{
	u64 pending = ts_save_pending(dev);

	*initial = ts_pages_cost(dev, dev->save.initial_left) + (dev->save.index ? 0 : TS_IDENTITY_COST);
	*initial = min(*initial, pending);
	*dirty = pending - *initial;
}

/* Bytes that the stop-and-copy takes, or took so far and is still going to take. */
u64 ts_save_total(struct ts_device *dev)
{
	const struct ts_save *save = &dev->save;

	if (!save->active)
		return TS_IDENTITY_COST + ts_pages_cost(dev, dev->memory.pages) + TS_FINAL_COST;
	return ts_save_pending(dev) + save->told_stopped + (dev->state & TS_RUNNING ? TS_FINAL_COST : 0);
}

static u64 ts_identity_record(struct ts_device *dev, u8 *to)
{
	struct ts_identity *identity = (struct ts_identity *)to;

	memset(identity, 0, sizeof(*identity));
	mutex_lock(&ts_fabric_lock);
	guid_copy(&identity->id, &dev->port.id);
	mutex_unlock(&ts_fabric_lock);
	identity->vendor = get_unaligned_le16(dev->config + PCI_VENDOR_ID);
	identity->device = dev->options.device_id;
	identity->revision = dev->options.revision;
	identity->pages = dev->memory.pages;
	return sizeof(*identity);
}

/* Takes dirty pages in address order, one round through the memory at a time. */
static u64 ts_pages_record(struct ts_device *dev, u8 *to, u32 *count)
{
	struct ts_memory *memory = &dev->memory;
	u32 i, most = ts_pages_per_record(dev), *numbers = (u32 *)to;
	unsigned long page;
	u8 *data;

	mutex_lock(&memory->lock);
	most = min_t(u64, most, memory->dirty_count);
	page = find_next_bit(memory->dirty, memory->pages, memory->cursor);
	if (page >= memory->pages) {
		dev->save.initial_left = 0;
		page = find_first_bit(memory->dirty, memory->pages);
	}
	for (i = 0; i < most && page < memory->pages; i++) {
		numbers[i] = page;
		__clear_bit(page, memory->dirty);
		page = find_next_bit(memory->dirty, memory->pages, page + 1);
	}
	memory->cursor = page;
	memory->dirty_count -= i;
	*count = i;
	data = to + ALIGN(i * sizeof(u32), sizeof(u64));
	memset(numbers + i, 0, data - (u8 *)(numbers + i));
	for (i = 0; i < *count; i++, data += PAGE_SIZE)
		memcpy(data, memory->bytes + (size_t)numbers[i] * PAGE_SIZE, PAGE_SIZE);
	mutex_unlock(&memory->lock);
	dev->save.initial_left -= min_t(unsigned long, dev->save.initial_left, *count);
	return data - to;
}

/*
 * Makes the next record at `to`, where there is room for a segment. Returns its size, 0 when there
 * is nothing to tell.
 */
size_t ts_save_next(struct ts_device *dev, u8 *to)
{
	struct ts_save *save = &dev->save;
	struct ts_record record = {.magic = TS_RECORD_MAGIC, .session = save->session};
	u8 *payload = to + sizeof(record);
	u64 size;

	if (!ts_save_pending(dev))
		return 0;
	if (!save->index) {
		record.kind = TS_RECORD_IDENTITY;
		size = ts_identity_record(dev, payload);
	} else if (dev->memory.dirty_count) {
		record.kind = TS_RECORD_PAGES;
		size = ts_pages_record(dev, payload, &record.count);
	} else {
		record.kind = TS_RECORD_FINAL;
		ts_final_state(dev, (struct ts_final *)payload);
		size = sizeof(struct ts_final);
		save->final_told = true;
	}
	record.index = save->index++;
	record.size = sizeof(record) + size;
	record.digest = xxh64(payload, size, record.session + record.index);
	memcpy(to, &record, sizeof(record));
	if (ts_fault_take_record(&dev->faults, TS_FAULT_CORRUPT, record.index))
		payload[size - 1] ^= 0x40;
	save->truncated = ts_fault_take_record(&dev->faults, TS_FAULT_TRUNCATE, save->index);
	if (!(dev->state & TS_RUNNING))
		save->told_stopped += record.size;
	return record.size;
}
