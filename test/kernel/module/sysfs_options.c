// SPDX-License-Identifier: GPL-2.0-only
/* Settings of one device: attributes of the names of the module's parameters. */
#include <linux/sysfs.h>
#include <linux/vmalloc.h>

#include "transship.h"

static const struct ts_limit {
	const char *name;
	size_t offset;
	unsigned int low, high;
	bool closed; /* changes only while nobody has the device open */
} ts_limits[] = {
#define TS_LIMIT(name, low, high, closed)                                                                    \
	{                                                                                                    \
#name, offsetof(struct ts_options, name), low, high, closed                                  \
	}
	TS_LIMIT(protocol, 1, 2, true),
	TS_LIMIT(state_kib, 32, 1u << 20, true),
	TS_LIMIT(segment_kib, 16, 16384, true),
	TS_LIMIT(mmap, 0, 2, true),
	TS_LIMIT(ndma, 0, 1, true),
	TS_LIMIT(p2p, 0, 1, true),
	TS_LIMIT(precopy, 0, 1, true),
	TS_LIMIT(dma_logging, 0, 1, true),
	TS_LIMIT(precopy_info_v2, 0, 1, true),
	TS_LIMIT(device_id, 0, 0xffff, true),
	TS_LIMIT(revision, 0, 0xff, true),
	TS_LIMIT(quiesce_ms, 0, 100000, false),
	TS_LIMIT(link_us, 0, 10000000, false),
	TS_LIMIT(traffic_us, 100, 10000000, false),
	TS_LIMIT(dirty_kib_s, 0, 1u << 20, false),
	TS_LIMIT(bus_master, 0, 1, false),
	TS_LIMIT(chunk, 0, UINT_MAX, false),
	TS_LIMIT(enomsg, 0, 1, false),
	TS_LIMIT(keep, 0, 1, false),
	TS_LIMIT(surprise, 0, 1, false),
	TS_LIMIT(log_page_kib, 4, 1024, false),
};

static const struct ts_limit *ts_limit_of(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ts_limits); i++)
		if (!strcmp(ts_limits[i].name, name))
			return &ts_limits[i];
	return NULL;
}

static unsigned int *ts_value_of(struct ts_options *options, const struct ts_limit *limit)
{
	return (unsigned int *)((u8 *)options + limit->offset);
}

static unsigned int ts_migration_flags(const struct ts_options *options)
{
	return VFIO_MIGRATION_STOP_COPY | (options->p2p ? VFIO_MIGRATION_P2P : 0) |
	       (options->precopy ? VFIO_MIGRATION_PRE_COPY : 0);
}

/*
 * Makes the device what its options say, in its default state. Only while it is closed (state_lock
 * held): vfio looks at the migration operations on behalf of an open device only.
 */
int ts_apply_options(struct ts_device *dev)
{
	struct ts_options *options = &dev->options;
	unsigned int i;
	size_t size;
	u8 *window;
	int ret;

	for (i = 0; i < ARRAY_SIZE(ts_limits); i++) { /* parameters are not checked on their own */
		unsigned int *value = ts_value_of(options, &ts_limits[i]);

		*value = clamp(*value, ts_limits[i].low, ts_limits[i].high);
	}
	size = PAGE_ALIGN(2 * ts_segment_size(dev));
	window = vmalloc_user(size);
	if (!window)
		return -ENOMEM;
	ret = ts_memory_alloc(&dev->memory, PAGE_ALIGN((size_t)options->state_kib << 10) >> PAGE_SHIFT);
	if (ret) {
		vfree(window);
		return ret;
	}
	vfree(dev->window);
	dev->window = window;
	dev->window_size = size;
	dev->vdev.mig_ops = options->protocol == 2 ? &ts_migration_ops : NULL;
	dev->vdev.migration_flags = options->protocol == 2 ? ts_migration_flags(options) : 0;
	dev->vdev.log_ops = options->dma_logging && IS_ENABLED(CONFIG_IOMMUFD_DRIVER) ? &ts_log_ops : NULL;
	ts_reset_now(dev);
	return 0;
}

static ssize_t ts_option_show(struct device *device, struct device_attribute *attr, char *buf)
{
	struct ts_device *dev = dev_get_drvdata(device);
	const struct ts_limit *limit = ts_limit_of(attr->attr.name);

	return sysfs_emit(buf, "%u\n", READ_ONCE(*ts_value_of(&dev->options, limit)));
}

static ssize_t ts_option_store(struct device *device, struct device_attribute *attr, const char *buf,
			       size_t count)
{
	struct ts_device *dev = dev_get_drvdata(device);
	const struct ts_limit *limit = ts_limit_of(attr->attr.name);
	unsigned int value, *at = ts_value_of(&dev->options, limit);
	int ret = kstrtouint(buf, 0, &value);

	if (ret)
		return ret;
	if (value < limit->low || value > limit->high)
		return -ERANGE;
	if (!limit->closed) {
		WRITE_ONCE(*at, value);
		ts_fabric_kick();
		return count;
	}
	if (mutex_lock_interruptible(&dev->state_lock))
		return -EINTR;
	if (dev->opened) {
		ret = -EBUSY;
	} else {
		unsigned int old = *at;

		*at = value;
		ret = ts_apply_options(dev);
		if (ret)
			*at = old;
	}
	mutex_unlock(&dev->state_lock);
	return ret ? ret : count;
}

#define TS_OPTION(option)                                                                                    \
	static struct device_attribute ts_option_##option =                                                  \
		__ATTR(option, 0644, ts_option_show, ts_option_store)

TS_OPTION(protocol);
TS_OPTION(state_kib);
TS_OPTION(segment_kib);
TS_OPTION(mmap);
TS_OPTION(ndma);
TS_OPTION(p2p);
TS_OPTION(precopy);
TS_OPTION(dma_logging);
TS_OPTION(precopy_info_v2);
TS_OPTION(device_id);
TS_OPTION(revision);
TS_OPTION(quiesce_ms);
TS_OPTION(link_us);
TS_OPTION(traffic_us);
TS_OPTION(dirty_kib_s);
TS_OPTION(bus_master);
TS_OPTION(chunk);
TS_OPTION(enomsg);
TS_OPTION(keep);
TS_OPTION(surprise);
TS_OPTION(log_page_kib);

struct attribute *ts_option_attrs[] = {
	&ts_option_protocol.attr,
	&ts_option_state_kib.attr,
	&ts_option_segment_kib.attr,
	&ts_option_mmap.attr,
	&ts_option_ndma.attr,
	&ts_option_p2p.attr,
	&ts_option_precopy.attr,
	&ts_option_dma_logging.attr,
	&ts_option_precopy_info_v2.attr,
	&ts_option_device_id.attr,
	&ts_option_revision.attr,
	&ts_option_quiesce_ms.attr,
	&ts_option_link_us.attr,
	&ts_option_traffic_us.attr,
	&ts_option_dirty_kib_s.attr,
	&ts_option_bus_master.attr,
	&ts_option_chunk.attr,
	&ts_option_enomsg.attr,
	&ts_option_keep.attr,
	&ts_option_surprise.attr,
	&ts_option_log_page_kib.attr,
	NULL,
};
