// SPDX-License-Identifier: GPL-2.0-only
/*
 * One resuming session: takes records into the device.
 *
 * The bytes may lie where the user has them mapped, so every value that decides where something
 * goes is read once and then looked at.
 */
#include <linux/bitmap.h>
#include <linux/pci_regs.h>
#include <linux/slab.h>
#include <linux/unaligned.h>
#include <linux/xxhash.h>

#include "transship.h"

int ts_load_begin(struct ts_device *dev)
{
	struct ts_load *load = &dev->load;
	unsigned long *loaded = bitmap_zalloc(dev->memory.pages, GFP_KERNEL);

	if (!loaded)
		return -ENOMEM;
	memset(load, 0, sizeof(*load));
	load->loaded = loaded;
	load->active = true;
	dev->placed = false;
	ts_port_clear(dev); /* it is going to be another device */
	return 0;
}

void ts_load_end(struct ts_device *dev)
{
	bitmap_free(dev->load.loaded);
	memset(&dev->load, 0, sizeof(dev->load));
}

static bool ts_load_identity(struct ts_device *dev, const u8 *payload, size_t size)
{
	struct ts_load *load = &dev->load;

	if (size != sizeof(load->identity))
		return false;
	memcpy(&load->identity, payload, size);
	if (load->identity.vendor != get_unaligned_le16(dev->config + PCI_VENDOR_ID) ||
	    load->identity.device != dev->options.device_id ||
	    load->identity.revision != dev->options.revision || load->identity.pages != dev->memory.pages)
		return false;
	load->have_identity = true;
	ts_port_set_id(dev, &load->identity.id);
	return true;
}

static bool ts_load_pages(struct ts_device *dev, const u8 *payload, size_t size, u32 count)
{
	struct ts_memory *memory = &dev->memory;
	size_t table = ALIGN((size_t)count * sizeof(u32), sizeof(u64));
	const u8 *data = payload + table;
	u32 i;

	if (!count || size != table + (size_t)count * PAGE_SIZE)
		return false;
	for (i = 0; i < count; i++, data += PAGE_SIZE) {
		u32 page = READ_ONCE(((const u32 *)payload)[i]);

		if (page >= memory->pages)
			return false;
		mutex_lock(&memory->lock);
		memcpy(memory->bytes + (size_t)page * PAGE_SIZE, data, PAGE_SIZE);
		mutex_unlock(&memory->lock);
		if (!__test_and_set_bit(page, dev->load.loaded))
			dev->load.loaded_count++;
	}
	return true;
}

static bool ts_load_final(struct ts_device *dev, const u8 *payload, size_t size)
{
	struct ts_final *final = &dev->load.final;

	if (size != sizeof(*final))
		return false;
	memcpy(final, payload, size);
	dev->load.have_final = final->nr_out <= TS_LINKS && final->nr_in <= TS_LINKS &&
			       final->uart.head < sizeof(final->uart.fifo) &&
			       final->uart.count <= sizeof(final->uart.fifo);
	return dev->load.have_final;
}

static bool ts_load_record(struct ts_device *dev, const struct ts_record *record, const u8 *payload)
{
	size_t size = record->size - sizeof(*record);

	dev->load.have_final = false; /* whatever comes after a final record makes it not final */
	switch (record->kind) {
	case TS_RECORD_IDENTITY:
		return ts_load_identity(dev, payload, size);
	case TS_RECORD_PAGES:
		return ts_load_pages(dev, payload, size, record->count);
	case TS_RECORD_FINAL:
		return ts_load_final(dev, payload, size);
	default:
		return false;
	}
}

static bool ts_load_in_order(const struct ts_load *load, const struct ts_record *record)
{
	return record->index == load->next_index && (!load->taken || record->session == load->session);
}

/*
 * Takes the record of `size` bytes. EINVAL for one that is foreign, altered or out of place, after
 * which the session cannot end well; a gullible device takes what it can and never complains.
 */
int ts_load_take(struct ts_device *dev, const u8 *from, size_t size)
{
	struct ts_load *load = &dev->load;
	bool gullible = ts_fault_has(&dev->faults, TS_FAULT_GULLIBLE);
	const u8 *payload = from + sizeof(struct ts_record);
	struct ts_record record;
	bool good;

	if (!load->active || (load->spoilt && !gullible))
		return -EINVAL;
	if (size <= sizeof(record)) {
		load->spoilt = true;
		return gullible ? 0 : -EINVAL;
	}
	memcpy(&record, from, sizeof(record));
	good = record.magic == TS_RECORD_MAGIC && record.size == size &&
	       (gullible || ts_load_in_order(load, &record));
	if (good && !gullible)
		good = xxh64(payload, size - sizeof(record), record.session + record.index) == record.digest;
	if (good)
		good = ts_load_record(dev, &record, payload);
	load->session = record.session;
	load->next_index = record.index + 1;
	load->taken++;
	load->spoilt = load->spoilt || !good;
	return good || gullible ? 0 : -EINVAL;
}

/* The device becomes what the stream says, if that is all there and fits together. */
int ts_load_finish(struct ts_device *dev)
{
	struct ts_load *load = &dev->load;
	bool complete = !load->spoilt && !load->partial && load->have_identity && load->have_final &&
			load->loaded_count == dev->memory.pages;

	if (!load->active || (!complete && !ts_fault_has(&dev->faults, TS_FAULT_GULLIBLE)))
		return -EINVAL;
	if (load->have_final) {
		ts_port_load(dev, &load->final);
		ts_dma_set(dev, &load->final.dma);
		mutex_lock(&dev->reg_lock);
		dev->uart.reg = load->final.uart;
		dev->uart.scratch = load->final.scratch;
		dev->irqs.pending = load->final.pending_irqs & (BIT(TS_VECTORS) - 1);
		mutex_unlock(&dev->reg_lock);
	}
	ts_load_end(dev);
	dev->placed = false;
	return 0;
}
