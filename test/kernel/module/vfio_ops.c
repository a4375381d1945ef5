// SPDX-License-Identifier: GPL-2.0-only
/* What vfio asks of a device: life, opening, reading and writing of regions, ioctls. */
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "transship.h"

static int ts_vfio_init(struct vfio_device *vdev)
{
	struct ts_device *dev = ts_from_vdev(vdev);
	int ret;

	guid_copy(&dev->uuid, &to_mdev_device(vdev->dev)->uuid);
	dev->options = ts_defaults;
	mutex_init(&dev->state_lock);
	mutex_init(&dev->memory.lock);
	mutex_init(&dev->dma.lock);
	mutex_init(&dev->log.lock);
	mutex_init(&dev->reg_lock);
	spin_lock_init(&dev->faults.lock);
	spin_lock_init(&dev->trail.lock);
	init_waitqueue_head(&dev->wait);
	INIT_DELAYED_WORK(&dev->dma.work, ts_dma_work);
	mutex_lock(&dev->state_lock);
	ret = ts_apply_options(dev);
	mutex_unlock(&dev->state_lock);
	return ret;
}

static void ts_vfio_release(struct vfio_device *vdev)
{
	struct ts_device *dev = ts_from_vdev(vdev);

	ts_load_end(dev);
	ts_memory_free(&dev->memory);
	vfree(dev->window);
}

static int ts_open(struct vfio_device *vdev)
{
	struct ts_device *dev = ts_from_vdev(vdev);

	mutex_lock(&dev->state_lock);
	dev->opened = true;
	atomic64_inc(&dev->opens);
	ts_port_open(dev, true);
	ts_apply_dma(dev, dev->state);
	mutex_unlock(&dev->state_lock);
	return 0;
}

/* The last user has gone: as with a physical device, what it was is lost, unless the device keeps
 * it. */
static void ts_close(struct vfio_device *vdev)
{
	struct ts_device *dev = ts_from_vdev(vdev);

	mutex_lock(&dev->state_lock);
	ts_end_sessions(dev);
	ts_dma_allow(dev, false);
	cancel_delayed_work_sync(&dev->dma.work);
	ts_irqs_allow(dev, false);
	ts_irqs_close(dev);
	ts_log_end(dev);
	ts_port_open(dev, false);
	dev->opened = false;
	if (!dev->options.keep)
		ts_reset_now(dev);
	else if (dev->state & TS_RESUMING) /* half of another device */
		ts_enter_error(dev);
	else
		WRITE_ONCE(dev->state, dev->state & ~TS_SAVING);
	mutex_unlock(&dev->state_lock);
}

static long ts_device_info(struct ts_device *dev, unsigned long arg)
{
	unsigned long minsz = offsetofend(struct vfio_device_info, num_irqs);
	struct vfio_device_info info;

	if (copy_from_user(&info, (void __user *)arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	info.flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
	info.num_regions = dev->options.protocol == 1 ? TS_MIGRATION_REGION + 1 : VFIO_PCI_NUM_REGIONS;
	info.num_irqs = VFIO_PCI_NUM_IRQS;
	return copy_to_user((void __user *)arg, &info, minsz) ? -EFAULT : 0;
}

static long ts_ioctl(struct vfio_device *vdev, unsigned int cmd, unsigned long arg)
{
	struct ts_device *dev = ts_from_vdev(vdev);

	if (READ_ONCE(dev->gone))
		return -ENODEV;
	switch (cmd) {
	case VFIO_DEVICE_GET_INFO:
		return ts_device_info(dev, arg);
	case VFIO_DEVICE_GET_REGION_INFO:
		return ts_region_info(dev, arg);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return ts_irq_info(arg);
	case VFIO_DEVICE_SET_IRQS:
		return ts_set_irqs(dev, arg);
	case VFIO_DEVICE_RESET:
		return ts_reset(dev);
	default:
		return -ENOTTY;
	}
}

static int ts_region_read(struct ts_device *dev, u32 index, u8 *data, size_t count, u64 offset)
{
	switch (index) {
	case VFIO_PCI_CONFIG_REGION_INDEX:
		return ts_config_read(dev, data, count, offset);
	case VFIO_PCI_BAR0_REGION_INDEX:
	case VFIO_PCI_BAR1_REGION_INDEX:
		return ts_bar_read(dev, index, data, count, offset);
	case TS_DECOY_REGION: /* reads as ones, takes nothing */
		if (dev->options.protocol != 1 || offset + count > TS_BAR_SIZE)
			return -EINVAL;
		memset(data, 0xff, count);
		return 0;
	default:
		return -EINVAL;
	}
}

static int ts_region_write(struct ts_device *dev, u32 index, const u8 *data, size_t count, u64 offset)
{
	switch (index) {
	case VFIO_PCI_CONFIG_REGION_INDEX:
		return ts_config_write(dev, data, count, offset);
	case VFIO_PCI_BAR0_REGION_INDEX:
	case VFIO_PCI_BAR1_REGION_INDEX:
		return ts_bar_write(dev, index, data, count, offset);
	default:
		return -EINVAL;
	}
}

/* Registers have natural alignment: long accesses are cut into pieces of at most eight bytes. */
static size_t ts_piece(size_t left, u64 offset)
{
	size_t piece = 8;

	while (piece > left || (offset & (piece - 1)))
		piece /= 2;
	return piece;
}

static ssize_t ts_read(struct vfio_device *vdev, char __user *buf, size_t count, loff_t *ppos)
{
	struct ts_device *dev = ts_from_vdev(vdev);
	u32 index = *ppos >> TS_OFFSET_SHIFT;
	u64 offset = *ppos & (BIT_ULL(TS_OFFSET_SHIFT) - 1);
	size_t done = 0;

	if (READ_ONCE(dev->gone))
		return -ENODEV;
	if (index == TS_MIGRATION_REGION && dev->options.protocol == 1) {
		ssize_t ret = ts_v1_read(dev, buf, count, offset);

		if (ret > 0)
			*ppos += ret;
		return ret;
	}
	while (done < count) {
		size_t piece = ts_piece(count - done, offset + done);
		u8 data[8];
		int ret = ts_region_read(dev, index, data, piece, offset + done);

		if (ret)
			return done ? done : ret;
		if (copy_to_user(buf + done, data, piece))
			return -EFAULT;
		done += piece;
		*ppos += piece;
	}
	return done;
}

static ssize_t ts_write(struct vfio_device *vdev, const char __user *buf, size_t count, loff_t *ppos)
{
	struct ts_device *dev = ts_from_vdev(vdev);
	u32 index = *ppos >> TS_OFFSET_SHIFT;
	u64 offset = *ppos & (BIT_ULL(TS_OFFSET_SHIFT) - 1);
	size_t done = 0;

	if (READ_ONCE(dev->gone))
		return -ENODEV;
	if (index == TS_MIGRATION_REGION && dev->options.protocol == 1) {
		ssize_t ret = ts_v1_write(dev, buf, count, offset);

		if (ret > 0)
			*ppos += ret;
		return ret;
	}
	while (done < count) {
		size_t piece = ts_piece(count - done, offset + done);
		u8 data[8];
		int ret;

		if (copy_from_user(data, buf + done, piece))
			return -EFAULT;
		ret = ts_region_write(dev, index, data, piece, offset + done);
		if (ret)
			return done ? done : ret;
		done += piece;
		*ppos += piece;
	}
	return done;
}

static void ts_request(struct vfio_device *vdev, unsigned int count)
{
	ts_irqs_request(ts_from_vdev(vdev));
}

const struct vfio_device_ops ts_device_ops = {
	.name = "transship-mdev",
	.init = ts_vfio_init,
	.release = ts_vfio_release,
	.open_device = ts_open,
	.close_device = ts_close,
	.read = ts_read,
	.write = ts_write,
	.ioctl = ts_ioctl,
	.mmap = ts_mmap,
	.request = ts_request,
	.device_feature = ts_device_feature,
	.bind_iommufd = vfio_iommufd_emulated_bind,
	.unbind_iommufd = vfio_iommufd_emulated_unbind,
	.attach_ioas = vfio_iommufd_emulated_attach_ioas,
	.detach_ioas = vfio_iommufd_emulated_detach_ioas,
};
