// SPDX-License-Identifier: GPL-2.0-only
/* RESET, and what makes up the device apart from its memory. */
#include <linux/random.h>
#include <linux/xxhash.h>

#include "transship.h"

/* The default state with contents that the device never had before. Settings, eventfds and the DMA
 * log stay; links, counters, registers and configuration space are as after power-on. */
void ts_reset_now(struct ts_device *dev)
{
	static const struct ts_dma_record no_dma;

	lockdep_assert_held(&dev->state_lock);
	ts_dma_allow(dev, false);
	ts_end_sessions(dev);
	ts_port_clear(dev);
	ts_port_set_running(dev, true);
	ts_port_set_ndma(dev, false);
	ts_memory_fill(&dev->memory, get_random_u64());
	mutex_lock(&dev->reg_lock);
	ts_uart_reset(&dev->uart);
	ts_config_init(dev);
	memset(dev->msix_table, 0, sizeof(dev->msix_table));
	dev->irqs.pending = 0;
	dev->irqs.allowed = true;
	dev->regs_live = true;
	mutex_unlock(&dev->reg_lock);
	ts_port_set_bus_master(dev, false);
	ts_dma_set(dev, &no_dma);
	ts_dma_set_bus_master(dev, false);
	ts_dma_allow(dev, dev->opened);
	dev->upper_bits = 0;
	dev->pretending = false;
	WRITE_ONCE(dev->state, TS_RUNNING);
	wake_up_all(&dev->wait);
}

/* VFIO_DEVICE_RESET. Waits for a state write that is under way. */
int ts_reset(struct ts_device *dev)
{
	struct ts_fault fault;
	u32 from;
	int ret = 0;

	if (mutex_lock_killable(&dev->state_lock))
		return -EINTR;
	from = dev->state;
	atomic64_inc(&dev->resets);
	if (ts_fault_take(&dev->faults, TS_FAULT_FAIL_RESET, TS_ANY_STATE, &fault))
		ret = -fault.error;
	else if (!ts_fault_take(&dev->faults, TS_FAULT_IGNORE_RESET, TS_ANY_STATE, &fault))
		ts_reset_now(dev);
	ts_trail_add(&dev->trail, from, TS_ANY_STATE, dev->state, ret);
	mutex_unlock(&dev->state_lock);
	return ret;
}

void ts_final_state(struct ts_device *dev, struct ts_final *final)
{
	memset(final, 0, sizeof(*final));
	ts_port_save(dev, final);
	ts_dma_get(dev, &final->dma);
	mutex_lock(&dev->reg_lock);
	final->uart = dev->uart.reg;
	final->scratch = dev->uart.scratch;
	final->pending_irqs = dev->irqs.pending;
	mutex_unlock(&dev->reg_lock);
}

/* Sums over the memory and over the whole device, which does not run. */
static int ts_digest_stopped(struct ts_device *dev, struct ts_digest *digest)
{
	struct ts_final *final = kmalloc(sizeof(*final), GFP_KERNEL);

	lockdep_assert_held(&dev->state_lock);
	if (!final)
		return -ENOMEM;
	ts_final_state(dev, final);
	digest->memory = ts_memory_digest(&dev->memory);
	digest->all = ts_mix(digest->memory, xxh64(final, sizeof(*final), 0));
	kfree(final);
	return 0;
}

/* The sums now; EBUSY while it runs. */
int ts_digest(struct ts_device *dev, struct ts_digest *digest)
{
	int ret;

	if (mutex_lock_interruptible(&dev->state_lock))
		return -EINTR;
	ret = dev->state & TS_RUNNING ? -EBUSY : ts_digest_stopped(dev, digest);
	mutex_unlock(&dev->state_lock);
	return ret;
}

/* It has come to a stop, with all that it has to save or has loaded: the sums outlive that. Zeros stand
 * for none. */
void ts_keep_digest(struct ts_device *dev)
{
	struct ts_digest digest = {};

	ts_digest_stopped(dev, &digest);
	dev->kept = digest;
}
