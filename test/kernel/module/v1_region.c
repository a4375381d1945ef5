// SPDX-License-Identifier: GPL-2.0-only
/*
 * The v1 migration region: registers in the first page, then the data section.
 *
 * data_offset moves from segment to segment. Where the specification leaves a value undefined, the
 * register reads as 0xdeadbeefdeadbeef.
 */
#include <linux/uaccess.h>

#include "transship.h"

enum {
	TS_REG_STATE = 0,
	TS_REG_RESERVED = 4,
	TS_REG_PENDING = 8,
	TS_REG_OFFSET = 16,
	TS_REG_SIZE = 24,
	TS_REG_END = 32,
};

#define TS_UNDEFINED 0xdeadbeefdeadbeefULL

static bool ts_saving(const struct ts_device *dev)
{
	return (dev->state & TS_MASK) != TS_ERROR && (dev->state & TS_SAVING);
}

static bool ts_resuming(const struct ts_device *dev)
{
	return (dev->state & TS_MASK) != TS_ERROR && (dev->state & TS_RESUMING);
}

static bool ts_width_fits(u64 offset, size_t count)
{
	switch (offset) {
	case TS_REG_STATE:
	case TS_REG_RESERVED:
		return count == sizeof(u32);
	case TS_REG_PENDING:
	case TS_REG_OFFSET:
	case TS_REG_SIZE:
		return count == sizeof(u64);
	default:
		return false;
	}
}

/* The place of the next segment: three quarters of a segment on, so that a user has to look each
 * time, and with a half-mappable data section some segments lie across the border. */
static size_t ts_next_place(struct ts_device *dev)
{
	size_t step = ALIGN(ts_segment_size(dev) / 4 * 3, PAGE_SIZE);

	return dev->places++ % 2 ? step : 0;
}

/* Reading pending_bytes acknowledges the segment before, collected or not. */
static u64 ts_v1_pending(struct ts_device *dev)
{
	if (!ts_saving(dev))
		return TS_UNDEFINED;
	dev->placed = false;
	return ts_save_pending(dev);
}

static int ts_v1_offset(struct ts_device *dev, u64 *value)
{
	*value = TS_UNDEFINED;
	if (!ts_saving(dev) && !ts_resuming(dev))
		return 0;
	if (ts_resuming(dev)) {
		dev->place = ts_next_place(dev);
		dev->placed = true;
	} else if (!dev->placed) {
		dev->place = ts_next_place(dev);
		dev->place_size = ts_save_next(dev, dev->window + dev->place);
		if (!dev->place_size)
			return -ENODATA;
		dev->placed = true;
	}
	*value = TS_DATA_START + dev->place;
	return 0;
}

static int ts_v1_read_field(struct ts_device *dev, u64 offset, u64 *value)
{
	int ret;

	switch (offset) {
	case TS_REG_STATE:
		atomic64_inc(&dev->state_reads);
		*value = (dev->pretending ? dev->pretended : dev->state) | dev->upper_bits;
		return 0;
	case TS_REG_RESERVED:
		*value = 0;
		return 0;
	}
	ret = ts_data_fault(dev);
	if (ret)
		return ret;
	if (offset == TS_REG_OFFSET)
		return ts_v1_offset(dev, value);
	if (offset == TS_REG_PENDING)
		*value = ts_v1_pending(dev);
	else
		*value = !ts_saving(dev) ? TS_UNDEFINED : dev->placed ? dev->place_size : 0;
	return 0;
}

/* Whether [offset, offset + count) of the region lies in the part that is open to the user now. */
static bool ts_v1_open(const struct ts_device *dev, u64 offset, size_t count)
{
	u64 start = TS_DATA_START + dev->place;
	u64 size = ts_saving(dev) ? dev->place_size : ts_segment_size(dev);

	return dev->placed && offset >= start && offset - start <= size && count <= size - (offset - start);
}

ssize_t ts_v1_read(struct ts_device *dev, char __user *buf, size_t count, u64 offset)
{
	ssize_t ret = count;
	u64 value;

	if (offset < TS_REG_END && !ts_width_fits(offset, count))
		return -EINVAL;
	if (mutex_lock_killable(&dev->state_lock))
		return -EINTR;
	if (offset < TS_REG_END) {
		ret = ts_v1_read_field(dev, offset, &value);
		if (!ret)
			ret = copy_to_user(buf, &value, count) ? -EFAULT : count;
	} else if (!ts_v1_open(dev, offset, count)) {
		ret = -EINVAL;
	} else {
		ret = ts_data_fault(dev);
		if (!ret)
			ret = copy_to_user(buf, dev->window + (offset - TS_DATA_START), count) ? -EFAULT
											       : count;
	}
	mutex_unlock(&dev->state_lock);
	return ret;
}

static int ts_v1_write_state(struct ts_device *dev, u32 value)
{
	int ret = 0;

	if (dev->state == TS_ERROR)
		ret = -EIO;
	else if (!ts_state_valid(dev, value & TS_MASK))
		ret = -EINVAL;
	if (ret) {
		ts_trail_add(&dev->trail, dev->state, value & TS_MASK, dev->state, ret);
		return ret;
	}
	ret = ts_change_state(dev, value & TS_MASK);
	if (!ret)
		dev->upper_bits = value & ~TS_MASK;
	return ret;
}

/* The user says how much of a segment it has written; the device takes it in at once. */
static int ts_v1_write_size(struct ts_device *dev, u64 size)
{
	int ret;

	if (!ts_resuming(dev) || !dev->placed || size > ts_segment_size(dev))
		return -EINVAL;
	ret = ts_data_fault(dev);
	if (ret)
		return ret;
	dev->placed = false;
	return ts_load_take(dev, dev->window + dev->place, size);
}

static int ts_v1_write_field(struct ts_device *dev, u64 offset, u64 value)
{
	switch (offset) {
	case TS_REG_STATE:
		return ts_v1_write_state(dev, value);
	case TS_REG_RESERVED:
		return 0;
	case TS_REG_SIZE:
		return ts_v1_write_size(dev, value);
	default: /* read only */
		return -EINVAL;
	}
}

ssize_t ts_v1_write(struct ts_device *dev, const char __user *buf, size_t count, u64 offset)
{
	ssize_t ret = count;
	u64 value = 0;

	if (offset < TS_REG_END) {
		if (!ts_width_fits(offset, count))
			return -EINVAL;
		if (copy_from_user(&value, buf, count))
			return -EFAULT;
	}
	if (mutex_lock_killable(&dev->state_lock))
		return -EINTR;
	if (offset < TS_REG_END) {
		ret = ts_v1_write_field(dev, offset, value) ?: count;
	} else if (!ts_resuming(dev) || !ts_v1_open(dev, offset, count)) {
		ret = -EINVAL;
	} else {
		ret = ts_data_fault(dev);
		if (!ret)
			ret = copy_from_user(dev->window + (offset - TS_DATA_START), buf, count) ? -EFAULT
												 : count;
	}
	mutex_unlock(&dev->state_lock);
	return ret;
}
