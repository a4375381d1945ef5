// SPDX-License-Identifier: GPL-2.0-only
/* The v2 protocol: states and their arcs. vfio says which arcs lead from one state to another. */
#include <linux/file.h>
#include <linux/uaccess.h>

#include "transship.h"

#define TS_FEATURE_PRECOPY_INFO_V2 12 /* VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2, after this kernel's time */

#define TS_V2_STATES (VFIO_DEVICE_STATE_PRE_COPY_P2P + 1)

static const u32 ts_nibbles[TS_V2_STATES] = {
	[VFIO_DEVICE_STATE_ERROR] = TS_ERROR,
	[VFIO_DEVICE_STATE_STOP] = 0,
	[VFIO_DEVICE_STATE_RUNNING] = TS_RUNNING,
	[VFIO_DEVICE_STATE_STOP_COPY] = TS_SAVING,
	[VFIO_DEVICE_STATE_RESUMING] = TS_RESUMING,
	[VFIO_DEVICE_STATE_RUNNING_P2P] = TS_NDMA | TS_RUNNING,
	[VFIO_DEVICE_STATE_PRE_COPY] = TS_SAVING | TS_RUNNING,
	[VFIO_DEVICE_STATE_PRE_COPY_P2P] = TS_NDMA | TS_SAVING | TS_RUNNING,
};

static enum vfio_device_mig_state ts_v2_state(u32 nibble)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ts_nibbles); i++)
		if (ts_nibbles[i] == nibble)
			return i;
	return VFIO_DEVICE_STATE_ERROR;
}

/* One arc. Returns the descriptor that it opens, NULL when it opens none. */
static struct file *ts_v2_step(struct ts_device *dev, enum vfio_device_mig_state next)
{
	u32 session = TS_SAVING | TS_RESUMING, target = ts_nibbles[next];
	struct file *filp = NULL;
	int ret;

	if (!(dev->state & session) && (target & session)) {
		filp = ts_v2_file_open(dev, target & TS_SAVING);
		if (IS_ERR(filp))
			return filp;
	}
	ret = ts_change_state(dev, target);
	if (ret) {
		if (filp)
			fput(filp); /* its release waits for the state lock in another context */
		return ERR_PTR(ret);
	}
	if (!(target & session))
		ts_v2_file_detach(dev);
	if (filp)
		ts_v2_file_attach(dev, filp);
	return filp;
}

static struct file *ts_v2_set_state(struct vfio_device *vdev, enum vfio_device_mig_state wanted)
{
	struct ts_device *dev = ts_from_vdev(vdev);
	struct file *filp = NULL;

	if (mutex_lock_killable(&dev->state_lock))
		return ERR_PTR(-EINTR);
	if (READ_ONCE(dev->gone))
		filp = ERR_PTR(-ENODEV);
	/* vfio's own table does not want to be asked about a device in the error state. */
	else if (dev->state == TS_ERROR || wanted == VFIO_DEVICE_STATE_ERROR)
		filp = ERR_PTR(-EINVAL);
	while (!IS_ERR(filp) && ts_v2_state(dev->state) != wanted) {
		enum vfio_device_mig_state next;
		int ret = vfio_mig_get_next_state(vdev, ts_v2_state(dev->state), wanted, &next);

		if (ret) {
			ts_trail_add(&dev->trail, dev->state,
				     wanted < TS_V2_STATES ? ts_nibbles[wanted] : TS_MASK, dev->state, ret);
			filp = ERR_PTR(ret);
		} else {
			filp = ts_v2_step(dev, next);
		}
	}
	mutex_unlock(&dev->state_lock);
	return filp;
}

static int ts_v2_get_state(struct vfio_device *vdev, enum vfio_device_mig_state *state)
{
	struct ts_device *dev = ts_from_vdev(vdev);

	if (mutex_lock_killable(&dev->state_lock))
		return -EINTR;
	atomic64_inc(&dev->state_reads);
	*state = ts_v2_state(dev->pretending ? dev->pretended : dev->state);
	mutex_unlock(&dev->state_lock);
	return READ_ONCE(dev->gone) ? -ENODEV : 0;
}

static int ts_v2_data_size(struct vfio_device *vdev, unsigned long *size)
{
	struct ts_device *dev = ts_from_vdev(vdev);
	struct ts_fault fault;

	if (READ_ONCE(dev->gone))
		return -ENODEV;
	if (ts_fault_take(&dev->faults, TS_FAULT_SIZE, TS_ANY_STATE, &fault))
		return -fault.error;
	if (mutex_lock_killable(&dev->state_lock))
		return -EINTR;
	*size = ts_save_total(dev);
	mutex_unlock(&dev->state_lock);
	return 0;
}

/* Feature 12: the user understands VFIO_PRECOPY_INFO_REINIT. */
int ts_device_feature(struct vfio_device *vdev, u32 flags, void __user *arg, size_t argsz)
{
	struct ts_device *dev = ts_from_vdev(vdev);
	int ret;

	if ((flags & VFIO_DEVICE_FEATURE_MASK) != TS_FEATURE_PRECOPY_INFO_V2 || dev->options.protocol != 2 ||
	    !dev->options.precopy_info_v2 || !dev->options.precopy)
		return -ENOTTY;
	ret = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_SET, 0);
	if (ret == 1) {
		WRITE_ONCE(dev->reinit_wanted, true);
		ret = 0;
	}
	return ret;
}

const struct vfio_migration_ops ts_migration_ops = {
	.migration_set_state = ts_v2_set_state,
	.migration_get_state = ts_v2_get_state,
	.migration_get_data_size = ts_v2_data_size,
};
