// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts: MSI-X vectors and the request to let go of the device, all through eventfds. What
 * happens while the device may not interrupt is latched; the latch travels with the device.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "transship.h"

static unsigned int ts_irq_count(u32 index)
{
	switch (index) {
	case VFIO_PCI_MSIX_IRQ_INDEX:
		return TS_VECTORS;
	case VFIO_PCI_REQ_IRQ_INDEX:
		return 1;
	default:
		return 0;
	}
}

long ts_irq_info(unsigned long arg)
{
	unsigned long minsz = offsetofend(struct vfio_irq_info, count);
	struct vfio_irq_info info;

	if (copy_from_user(&info, (void __user *)arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz || info.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	info.count = ts_irq_count(info.index);
	info.flags = info.count ? VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE : 0;
	return copy_to_user((void __user *)arg, &info, minsz) ? -EFAULT : 0;
}

void ts_irq_raise(struct ts_device *dev, unsigned int vector)
{
	struct ts_irqs *irqs = &dev->irqs;

	lockdep_assert_held(&dev->reg_lock);
	if (!irqs->allowed)
		irqs->pending |= BIT(vector);
	else if (irqs->vectors[vector])
		eventfd_signal(irqs->vectors[vector]);
}

void ts_irqs_allow(struct ts_device *dev, bool allowed)
{
	unsigned int i;

	mutex_lock(&dev->reg_lock);
	dev->irqs.allowed = allowed;
	for (i = 0; allowed && i < TS_VECTORS; i++)
		if (dev->irqs.pending & BIT(i))
			ts_irq_raise(dev, i);
	if (allowed)
		dev->irqs.pending = 0;
	mutex_unlock(&dev->reg_lock);
}

static void ts_irq_replace(struct eventfd_ctx **slot, struct eventfd_ctx *with)
{
	if (*slot)
		eventfd_ctx_put(*slot);
	*slot = with;
}

void ts_irqs_close(struct ts_device *dev)
{
	unsigned int i;

	mutex_lock(&dev->reg_lock);
	for (i = 0; i < TS_VECTORS; i++)
		ts_irq_replace(&dev->irqs.vectors[i], NULL);
	ts_irq_replace(&dev->irqs.request, NULL);
	mutex_unlock(&dev->reg_lock);
}

/* Asks the user to let go of the device; called again and again until it has. */
void ts_irqs_request(struct ts_device *dev)
{
	mutex_lock(&dev->reg_lock);
	if (dev->irqs.request)
		eventfd_signal(dev->irqs.request);
	mutex_unlock(&dev->reg_lock);
}

static int ts_irq_trigger(struct ts_device *dev, const struct vfio_irq_set *set, const void *data,
			  unsigned int i)
{
	struct eventfd_ctx **slot = set->index == VFIO_PCI_REQ_IRQ_INDEX ? &dev->irqs.request
									 : &dev->irqs.vectors[set->start + i];
	struct eventfd_ctx *context = NULL;
	s32 fd;

	switch (set->flags & VFIO_IRQ_SET_DATA_TYPE_MASK) {
	case VFIO_IRQ_SET_DATA_EVENTFD:
		fd = ((const s32 *)data)[i];
		if (fd >= 0) {
			context = eventfd_ctx_fdget(fd);
			if (IS_ERR(context))
				return PTR_ERR(context);
		}
		ts_irq_replace(slot, context);
		return 0;
	case VFIO_IRQ_SET_DATA_BOOL:
		if (!((const u8 *)data)[i])
			return 0;
		fallthrough;
	default: /* VFIO_IRQ_SET_DATA_NONE: trigger by hand */
		if (*slot)
			eventfd_signal(*slot);
		return 0;
	}
}

long ts_set_irqs(struct ts_device *dev, unsigned long arg)
{
	unsigned long minsz = offsetofend(struct vfio_irq_set, count);
	struct vfio_irq_set set;
	size_t size = 0;
	void *data = NULL;
	unsigned int i;
	int ret;

	if (copy_from_user(&set, (void __user *)arg, minsz))
		return -EFAULT;
	ret = vfio_set_irqs_validate_and_prepare(&set, ts_irq_count(set.index), VFIO_PCI_NUM_IRQS, &size);
	if (ret)
		return ret;
	if ((set.flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) != VFIO_IRQ_SET_ACTION_TRIGGER)
		return -ENOTTY;
	if (size) {
		data = memdup_user((void __user *)(arg + minsz), size);
		if (IS_ERR(data))
			return PTR_ERR(data);
	}
	mutex_lock(&dev->reg_lock);
	if (!set.count) { /* DATA_NONE with count 0 turns the whole index off */
		for (i = 0; i < TS_VECTORS && set.index == VFIO_PCI_MSIX_IRQ_INDEX; i++)
			ts_irq_replace(&dev->irqs.vectors[i], NULL);
		if (set.index == VFIO_PCI_REQ_IRQ_INDEX)
			ts_irq_replace(&dev->irqs.request, NULL);
	}
	for (i = 0; i < set.count && !ret; i++)
		ret = ts_irq_trigger(dev, &set, data, i);
	mutex_unlock(&dev->reg_lock);
	kfree(data);
	return ret;
}
