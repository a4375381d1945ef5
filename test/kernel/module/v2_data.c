// SPDX-License-Identifier: GPL-2.0-only
/*
 * The v2 data descriptors. A descriptor lives as long as its user keeps it, maybe longer than its
 * session and even the mdev: it holds a reference to the device, and answers ENODEV once its
 * session is over.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "transship.h"

#define TS_PRECOPY_INFO_REINIT 1u /* VFIO_PRECOPY_INFO_REINIT, after this kernel's time */

/* Everything under the device's state_lock. The bytes are in the device's window. */
struct ts_v2_file {
	struct ts_device *dev;
	bool over; /* its session has ended */
	size_t size; /* bytes of the record in the window: made (saving) or arrived (resuming) */
	size_t done; /* saving: of these, read */
};

static ssize_t ts_v2_fill(struct ts_device *dev, struct ts_v2_file *file)
{
	if (file->done < file->size)
		return file->size - file->done;
	file->done = 0;
	file->size = ts_save_next(dev, dev->window);
	if (!file->size && (dev->state & TS_RUNNING) && dev->options.enomsg)
		return -ENOMSG;
	return file->size;
}

static size_t ts_v2_limit(const struct ts_device *dev, size_t count)
{
	unsigned int chunk = READ_ONCE(dev->options.chunk);

	return chunk ? min_t(size_t, count, chunk) : count;
}

static ssize_t ts_v2_read(struct file *filp, char __user *buf, size_t count, loff_t *pos)
{
	struct ts_v2_file *file = filp->private_data;
	struct ts_device *dev = file->dev;
	size_t total = 0;
	ssize_t ret = 0;

	if (pos)
		return -ESPIPE;
	if (mutex_lock_killable(&dev->state_lock))
		return -EINTR;
	if (file->over || READ_ONCE(dev->gone))
		ret = -ENODEV;
	else
		ret = ts_data_fault(dev);
	count = ts_v2_limit(dev, count);
	while (!ret && total < count) {
		size_t piece;

		ret = ts_v2_fill(dev, file);
		if (ret <= 0)
			break;
		piece = min_t(size_t, ret, count - total);
		ret = copy_to_user(buf + total, dev->window + file->done, piece) ? -EFAULT : 0;
		if (!ret) {
			file->done += piece;
			total += piece;
		}
	}
	mutex_unlock(&dev->state_lock);
	return total ? total : ret;
}

/* How many bytes the record in the window still lacks; an error for one that can be none. */
static ssize_t ts_v2_lacking(const struct ts_device *dev, const struct ts_v2_file *file)
{
	const struct ts_record *header = (const struct ts_record *)dev->window;

	if (file->size < sizeof(*header))
		return sizeof(*header) - file->size;
	if (header->magic != TS_RECORD_MAGIC || header->size <= sizeof(*header))
		return -EINVAL;
	if (header->size > dev->window_size)
		return -ENOMEM;
	return header->size - file->size;
}

static ssize_t ts_v2_write(struct file *filp, const char __user *buf, size_t count, loff_t *pos)
{
	struct ts_v2_file *file = filp->private_data;
	struct ts_device *dev = file->dev;
	size_t total = 0;
	ssize_t ret = 0;

	if (pos)
		return -ESPIPE;
	if (mutex_lock_killable(&dev->state_lock))
		return -EINTR;
	if (file->over || READ_ONCE(dev->gone))
		ret = -ENODEV;
	else
		ret = ts_data_fault(dev);
	count = ts_v2_limit(dev, count);
	while (!ret && total < count) {
		ssize_t lacking = ts_v2_lacking(dev, file);
		size_t piece;

		if (lacking < 0) {
			dev->load.spoilt = true;
			ret = lacking;
			break;
		}
		piece = min_t(size_t, lacking, count - total);
		if (copy_from_user(dev->window + file->size, buf + total, piece)) {
			ret = -EFAULT;
			break;
		}
		file->size += piece;
		total += piece;
		if (!ts_v2_lacking(dev, file)) {
			ret = ts_load_take(dev, dev->window, file->size);
			file->size = 0;
		}
		dev->load.partial = file->size;
	}
	mutex_unlock(&dev->state_lock);
	return ret ? ret : total;
}

static __poll_t ts_v2_poll(struct file *filp, struct poll_table_struct *table)
{
	struct ts_v2_file *file = filp->private_data;
	struct ts_device *dev = file->dev;
	__poll_t ready = 0;

	poll_wait(filp, &dev->wait, table);
	mutex_lock(&dev->state_lock);
	if (file->over || READ_ONCE(dev->gone))
		ready = EPOLLERR | EPOLLIN | EPOLLRDNORM;
	else if (!(dev->state & TS_RUNNING) || file->done < file->size || ts_save_pending(dev))
		ready = EPOLLIN | EPOLLRDNORM;
	mutex_unlock(&dev->state_lock);
	return ready;
}

static long ts_v2_precopy_info(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct ts_v2_file *file = filp->private_data;
	struct ts_device *dev = file->dev;
	size_t minsz = offsetofend(struct vfio_precopy_info, dirty_bytes);
	struct vfio_precopy_info info;
	long ret = 0;

	if (cmd != VFIO_MIG_GET_PRECOPY_INFO)
		return -ENOTTY;
	if (copy_from_user(&info, (void __user *)arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	if (mutex_lock_killable(&dev->state_lock))
		return -EINTR;
	if (file->over || READ_ONCE(dev->gone))
		ret = -ENODEV;
	else if (!(dev->state & TS_RUNNING) || !dev->options.precopy)
		ret = -EINVAL;
	if (!ret) {
		u64 initial, dirty;

		ts_save_estimate(dev, &initial, &dirty);
		info.initial_bytes = initial + file->size - file->done;
		info.dirty_bytes = dirty;
		if (dev->reinit_wanted) { /* else the field is echoed, as older drivers do */
			info.flags = dev->save.reinit ? TS_PRECOPY_INFO_REINIT : 0;
			dev->save.reinit = false;
		}
	}
	mutex_unlock(&dev->state_lock);
	if (!ret && copy_to_user((void __user *)arg, &info, minsz))
		ret = -EFAULT;
	return ret;
}

static int ts_v2_release(struct inode *inode, struct file *filp)
{
	struct ts_v2_file *file = filp->private_data;
	struct ts_device *dev = file->dev;

	mutex_lock(&dev->state_lock);
	if (dev->file == file)
		dev->file = NULL;
	mutex_unlock(&dev->state_lock);
	kfree(file);
	vfio_put_device(&dev->vdev);
	return 0;
}

static const struct file_operations ts_v2_save_fops = {
	.owner = THIS_MODULE,
	.read = ts_v2_read,
	.poll = ts_v2_poll,
	.unlocked_ioctl = ts_v2_precopy_info,
	.compat_ioctl = compat_ptr_ioctl,
	.release = ts_v2_release,
};

static const struct file_operations ts_v2_resume_fops = {
	.owner = THIS_MODULE,
	.write = ts_v2_write,
	.release = ts_v2_release,
};

/* A descriptor that belongs to no session yet. */
struct file *ts_v2_file_open(struct ts_device *dev, bool saving)
{
	struct ts_v2_file *file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	struct file *filp;

	if (!file)
		return ERR_PTR(-ENOMEM);
	file->dev = dev;
	file->over = true;
	filp = anon_inode_getfile("[transship-migration]", saving ? &ts_v2_save_fops : &ts_v2_resume_fops,
				  file, saving ? O_RDONLY : O_WRONLY);
	if (IS_ERR(filp)) {
		kfree(file);
		return filp;
	}
	stream_open(filp->f_inode, filp);
	get_device(&dev->vdev.device);
	return filp;
}

void ts_v2_file_attach(struct ts_device *dev, struct file *filp)
{
	ts_v2_file_detach(dev);
	dev->file = filp->private_data;
	dev->file->over = false;
}

/* The session is over; whoever still holds the descriptor learns so. */
void ts_v2_file_detach(struct ts_device *dev)
{
	if (dev->file)
		dev->file->over = true;
	dev->file = NULL;
}
