// SPDX-License-Identifier: GPL-2.0-only
/*
 * The DMA engine: writes a growing number into its user's memory, through the IOVAs that the user
 * mapped.
 *
 * Write n (from 1) puts the u64 n at iova + (n - 1) % (length / stride) * stride, so that the user
 * can tell a write that is missing, and a page that the DMA log forgot, from the numbers alone. A
 * write that the IOMMU refuses counts as an error and is tried again, so it leaves no hole.
 *
 * Runs from a workqueue: vfio_dma_rw() reaches the memory of the process that did the mapping only
 * from there or from that very process.
 */
#include "transship.h"

#define TS_DMA_ON 1u
#define TS_DMA_BURST 256u /* writes per run at most; also the backlog that is caught up with */
#define TS_DMA_VECTOR 1u

/* The registers as BAR 0 shows them from 0x10 on. */
struct ts_dma_block {
	u64 iova, length, stride;
	u32 interval_us, control;
	u64 count, errors;
};
static_assert(sizeof(struct ts_dma_block) == TS_DMA_REGISTERS);

static bool ts_dma_may(const struct ts_device *dev)
{
	const struct ts_dma *dma = &dev->dma;

	return dma->allowed && (dma->reg.control & TS_DMA_ON) &&
	       (dma->bus_master || !READ_ONCE(dev->options.bus_master));
}

static bool ts_dma_one(struct ts_device *dev)
{
	struct ts_dma_record *reg = &dev->dma.reg;
	u64 number = reg->count + 1;
	u64 slots = reg->stride >= sizeof(u64) ? div64_u64(reg->length, reg->stride) : 0;
	u64 iova;

	if (!slots) {
		reg->errors++;
		return false;
	}
	iova = reg->iova + reg->count % slots * reg->stride;
	if (vfio_dma_rw(&dev->vdev, iova, &number, sizeof(number), true)) {
		reg->errors++;
		return false;
	}
	reg->count = number;
	ts_log_dirty(dev, iova, sizeof(number));
	return true;
}

static void ts_dma_schedule(struct ts_device *dev)
{
	u32 interval = max(dev->dma.reg.interval_us, 100u);

	queue_delayed_work(ts_workqueue, &dev->dma.work, usecs_to_jiffies(interval));
}

void ts_dma_work(struct work_struct *work)
{
	struct ts_device *dev = container_of(to_delayed_work(work), struct ts_device, dma.work);
	struct ts_dma *dma = &dev->dma;
	bool done = false;
	u64 due;

	mutex_lock(&dma->lock);
	if (ts_dma_may(dev)) {
		ktime_t now = ktime_get();

		due = div_u64(ktime_us_delta(now, dma->last), max(dma->reg.interval_us, 100u));
		if (due)
			dma->last = now;
		for (due = min_t(u64, due, TS_DMA_BURST); due && ts_dma_one(dev); due--)
			done = true;
		ts_dma_schedule(dev);
	}
	mutex_unlock(&dma->lock);
	if (done) {
		mutex_lock(&dev->reg_lock);
		ts_irq_raise(dev, TS_DMA_VECTOR);
		mutex_unlock(&dev->reg_lock);
	}
}

static void ts_dma_restart(struct ts_device *dev)
{
	if (ts_dma_may(dev)) {
		dev->dma.last = ktime_get();
		ts_dma_schedule(dev);
	}
}

/* When this returns with allowed == false, no write is under way and none will start. */
void ts_dma_allow(struct ts_device *dev, bool allowed)
{
	struct ts_dma *dma = &dev->dma;

	mutex_lock(&dma->lock);
	if (dma->allowed != allowed) {
		dma->allowed = allowed;
		ts_dma_restart(dev);
	}
	mutex_unlock(&dma->lock);
}

void ts_dma_set_bus_master(struct ts_device *dev, bool on)
{
	mutex_lock(&dev->dma.lock);
	dev->dma.bus_master = on;
	ts_dma_restart(dev);
	mutex_unlock(&dev->dma.lock);
}

void ts_dma_set(struct ts_device *dev, const struct ts_dma_record *record)
{
	mutex_lock(&dev->dma.lock);
	dev->dma.reg = *record;
	ts_dma_restart(dev);
	mutex_unlock(&dev->dma.lock);
}

void ts_dma_get(struct ts_device *dev, struct ts_dma_record *record)
{
	mutex_lock(&dev->dma.lock);
	*record = dev->dma.reg;
	mutex_unlock(&dev->dma.lock);
}

/* An access to the block in BAR 0. Counters cannot be written, and nothing can once the device has
 * stopped: whoever stops it takes regs_live away first and this lock after. */
void ts_dma_registers(struct ts_device *dev, u8 *data, size_t count, u64 offset, bool write)
{
	struct ts_dma_record *reg = &dev->dma.reg;
	struct ts_dma_block block;
	bool live;

	mutex_lock(&dev->dma.lock);
	mutex_lock(&dev->reg_lock);
	live = dev->regs_live;
	mutex_unlock(&dev->reg_lock);
	block = (struct ts_dma_block){reg->iova,    reg->length, reg->stride, reg->interval_us,
				      reg->control, reg->count,	 reg->errors};
	if (!write) {
		memcpy(data, (u8 *)&block + offset, count);
	} else if (live) {
		memcpy((u8 *)&block + offset, data, count);
		reg->iova = block.iova;
		reg->length = block.length;
		reg->stride = block.stride;
		reg->interval_us = block.interval_us;
		reg->control = block.control;
		ts_dma_restart(dev);
	}
	mutex_unlock(&dev->dma.lock);
}
