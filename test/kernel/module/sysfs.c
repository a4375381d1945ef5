// SPDX-License-Identifier: GPL-2.0-only
/* The group "transship" of a device: state, digest, trail, faults. */
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "transship.h"

static struct ts_device *ts_of(struct device *device)
{
	return dev_get_drvdata(device);
}

static ssize_t state_show(struct device *device, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", ts_state_name(READ_ONCE(ts_of(device)->state)));
}

/* What somebody else with a descriptor of the device would do: v1 names or numbers, no session is
 * opened. */
static ssize_t state_store(struct device *device, struct device_attribute *attr, const char *buf,
			   size_t count)
{
	struct ts_device *dev = ts_of(device);
	char name[24];
	u32 target;
	int ret;

	if (strscpy(name, buf, sizeof(name)) < 0 || ts_state_parse(strim(name), &target) || target > TS_MASK)
		return -EINVAL;
	if (mutex_lock_interruptible(&dev->state_lock))
		return -EINTR;
	if (target == TS_ERROR) {
		ts_enter_error(dev);
		ret = 0;
	} else {
		ret = ts_state_valid(dev, target) ? ts_change_state(dev, target) : -EINVAL;
		if (!ret && !(target & (TS_SAVING | TS_RESUMING)))
			ts_v2_file_detach(dev);
	}
	mutex_unlock(&dev->state_lock);
	return ret ? ret : count;
}
static DEVICE_ATTR_RW(state);

/* A reset behind the user's back. */
static ssize_t reset_store(struct device *device, struct device_attribute *attr, const char *buf,
			   size_t count)
{
	int ret = ts_reset(ts_of(device));

	return ret ? ret : count;
}
static DEVICE_ATTR_WO(reset);

/* Two numbers: the whole device, its memory. EBUSY while it runs. */
static ssize_t digest_show(struct device *device, struct device_attribute *attr, char *buf)
{
	struct ts_digest digest;
	int ret = ts_digest(ts_of(device), &digest);

	return ret ? ret : sysfs_emit(buf, "%016llx %016llx\n", digest.all, digest.memory);
}
static DEVICE_ATTR_RO(digest);

/* The same of when it last came to a stop. */
static ssize_t kept_digest_show(struct device *device, struct device_attribute *attr, char *buf)
{
	struct ts_device *dev = ts_of(device);
	struct ts_digest digest;

	if (mutex_lock_interruptible(&dev->state_lock))
		return -EINTR;
	digest = dev->kept;
	mutex_unlock(&dev->state_lock);
	return sysfs_emit(buf, "%016llx %016llx\n", digest.all, digest.memory);
}
static DEVICE_ATTR_RO(kept_digest);

static ssize_t trail_show(struct device *device, struct device_attribute *attr, char *buf)
{
	return ts_trail_show(&ts_of(device)->trail, buf);
}

static ssize_t trail_store(struct device *device, struct device_attribute *attr, const char *buf,
			   size_t count)
{
	ts_trail_clear(&ts_of(device)->trail);
	return count;
}
static DEVICE_ATTR_RW(trail);

static ssize_t fault_show(struct device *device, struct device_attribute *attr, char *buf)
{
	return ts_fault_show(&ts_of(device)->faults, buf);
}

static ssize_t fault_store(struct device *device, struct device_attribute *attr, const char *buf,
			   size_t count)
{
	struct ts_device *dev = ts_of(device);
	char *text = kstrndup(buf, count, GFP_KERNEL);
	int ret;

	if (!text)
		return -ENOMEM;
	ret = ts_fault_parse(&dev->faults, text);
	kfree(text);
	wake_up_all(&dev->wait);
	return ret ? ret : count;
}
static DEVICE_ATTR_RW(fault);

/* What is told for the first time comes again: initial bytes of a pre-copy, with REINIT for who
 * asked. */
static ssize_t reinit_store(struct device *device, struct device_attribute *attr, const char *buf,
			    size_t count)
{
	struct ts_device *dev = ts_of(device);

	if (mutex_lock_interruptible(&dev->state_lock))
		return -EINTR;
	if (dev->save.active && (dev->state & TS_RUNNING)) {
		ts_memory_mark_all(&dev->memory);
		dev->save.initial_left = dev->memory.pages;
		dev->save.reinit = true;
	}
	mutex_unlock(&dev->state_lock);
	wake_up_all(&dev->wait);
	return count;
}
static DEVICE_ATTR_WO(reinit);

static struct attribute *ts_main_attrs[] = {
	&dev_attr_state.attr, &dev_attr_reset.attr, &dev_attr_digest.attr, &dev_attr_kept_digest.attr,
	&dev_attr_trail.attr, &dev_attr_fault.attr, &dev_attr_reinit.attr, NULL,
};

#define TS_MOST_ATTRS 64u

static struct attribute *ts_attrs[TS_MOST_ATTRS + 1];
static const struct attribute_group ts_group = {.name = "transship", .attrs = ts_attrs};
const struct attribute_group *ts_groups[] = {&ts_group, NULL};

/* Joins the attributes of all files into the one group. Before the driver is registered. */
void ts_sysfs_init(void)
{
	struct attribute **lists[] = {ts_main_attrs, ts_option_attrs, ts_traffic_attrs};
	unsigned int i, count = 0;
	struct attribute **attr;

	for (i = 0; i < ARRAY_SIZE(lists); i++)
		for (attr = lists[i]; *attr && count < TS_MOST_ATTRS; attr++)
			ts_attrs[count++] = *attr;
}
