// SPDX-License-Identifier: GPL-2.0-only
/* The group "transship" of a device: links, DMA, counters. Peers, traffic and DMA are device state:
 * they travel, and RESET ends them. */
#include <linux/string.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "transship.h"

static struct ts_device *ts_of(struct device *device)
{
	return dev_get_drvdata(device);
}

/* Under which id its peers know the device: its own UUID, or that of the device whose stream it
 * loaded. */
static ssize_t id_show(struct device *device, struct device_attribute *attr, char *buf)
{
	guid_t id;

	mutex_lock(&ts_fabric_lock);
	guid_copy(&id, &ts_of(device)->port.id);
	mutex_unlock(&ts_fabric_lock);
	return sysfs_emit(buf, "%pUl\n", &id);
}
static DEVICE_ATTR_RO(id);

static ssize_t peer_show(struct device *device, struct device_attribute *attr, char *buf)
{
	struct ts_port *port = &ts_of(device)->port;
	ssize_t size = 0;
	unsigned int i;

	mutex_lock(&ts_fabric_lock);
	for (i = 0; i < port->nr_out; i++)
		size += sysfs_emit_at(buf, size, "%pUl\n", &port->out[i].record.to);
	mutex_unlock(&ts_fabric_lock);
	return size;
}

/* Up to eight ids, with spaces or line ends between them; none takes all links away. */
static ssize_t peer_store(struct device *device, struct device_attribute *attr, const char *buf, size_t count)
{
	struct ts_device *dev = ts_of(device);
	char *text = kstrndup(buf, count, GFP_KERNEL), *at = text, *word;
	unsigned int found = 0;
	guid_t peers[TS_LINKS];
	int ret = 0;

	if (!text)
		return -ENOMEM;
	while (!ret && (word = strsep(&at, " \t\n"))) {
		if (!*word)
			continue;
		if (found == TS_LINKS)
			ret = -E2BIG;
		else
			ret = guid_parse(word, &peers[found++]);
	}
	kfree(text);
	if (ret)
		return ret;
	if (mutex_lock_interruptible(&dev->state_lock))
		return -EINTR;
	ret = ts_port_set_peers(dev, peers, found);
	mutex_unlock(&dev->state_lock);
	return ret ? ret : count;
}
static DEVICE_ATTR_RW(peer);

static ssize_t traffic_show(struct device *device, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(ts_of(device)->port.traffic));
}

static ssize_t traffic_store(struct device *device, struct device_attribute *attr, const char *buf,
			     size_t count)
{
	bool on;
	int ret = kstrtobool(buf, &on);

	if (ret)
		return ret;
	mutex_lock(&ts_fabric_lock);
	ts_of(device)->port.traffic = on;
	mutex_unlock(&ts_fabric_lock);
	ts_fabric_kick();
	return count;
}
static DEVICE_ATTR_RW(traffic);

static ssize_t dma_show(struct device *device, struct device_attribute *attr, char *buf)
{
	struct ts_dma_record record;

	ts_dma_get(ts_of(device), &record);
	return sysfs_emit(buf, "%u 0x%llx %llu %llu %u\n", record.control & 1, record.iova, record.length,
			  record.stride, record.interval_us);
}

/* "IOVA LENGTH STRIDE INTERVAL_US" sets the engine going, "0" stops it; counters go on. */
static ssize_t dma_store(struct device *device, struct device_attribute *attr, const char *buf, size_t count)
{
	struct ts_device *dev = ts_of(device);
	struct ts_dma_record record;
	unsigned long long iova, length, stride;
	unsigned int interval;

	ts_dma_get(dev, &record);
	if (sysfs_streq(buf, "0")) {
		record.control = 0;
	} else if (sscanf(buf, "%lli %lli %lli %u", &iova, &length, &stride, &interval) == 4) {
		record.iova = iova;
		record.length = length;
		record.stride = stride;
		record.interval_us = interval;
		record.control = 1;
	} else {
		return -EINVAL;
	}
	ts_dma_set(dev, &record);
	return count;
}
static DEVICE_ATTR_RW(dma);

/* One "name value" a line. The first five are sums over links and travel, as do the DMA counters.
 */
static ssize_t counters_show(struct device *device, struct device_attribute *attr, char *buf)
{
	struct ts_device *dev = ts_of(device);
	const struct ts_port *port = &dev->port;
	u64 sent = 0, received = 0, lost = 0, gaps = 0, doubles = 0;
	unsigned int i, in_flight, at_quiesce;
	struct ts_dma_record dma;

	mutex_lock(&ts_fabric_lock);
	for (i = 0; i < port->nr_out; i++) {
		sent += port->out[i].record.sent;
		lost += port->out[i].record.lost;
	}
	for (i = 0; i < port->nr_in; i++) {
		received += port->in[i].received;
		gaps += port->in[i].gaps;
		doubles += port->in[i].doubles;
	}
	in_flight = port->in_flight;
	at_quiesce = port->in_flight_at_quiesce;
	mutex_unlock(&ts_fabric_lock);
	ts_dma_get(dev, &dma);
	return sysfs_emit(buf,
			  "sent %llu\nreceived %llu\nlost %llu\ngaps %llu\ndoubles %llu\n"
			  "in_flight %u\nin_flight_at_quiesce %u\ndma_writes %llu\ndma_errors %llu\n"
			  "log_reported %llu\nopens %lld\nresets %lld\nstate_reads %lld\n"
			  "stopped_accesses %lld\nquiesced_accesses %lld\n",
			  sent, received, lost, gaps, doubles, in_flight, at_quiesce, dma.count, dma.errors,
			  READ_ONCE(dev->log.reported), atomic64_read(&dev->opens),
			  atomic64_read(&dev->resets), atomic64_read(&dev->state_reads),
			  atomic64_read(&dev->stopped_accesses), atomic64_read(&dev->quiesced_accesses));
}
static DEVICE_ATTR_RO(counters);

/* One link a line: "out ID sent lost in_flight", "in ID received expected gaps doubles". */
static ssize_t links_show(struct device *device, struct device_attribute *attr, char *buf)
{
	const struct ts_port *port = &ts_of(device)->port;
	ssize_t size = 0;
	unsigned int i;

	mutex_lock(&ts_fabric_lock);
	for (i = 0; i < port->nr_out; i++)
		size += sysfs_emit_at(buf, size, "out %pUl %llu %llu %u\n", &port->out[i].record.to,
				      port->out[i].record.sent, port->out[i].record.lost, port->out[i].count);
	for (i = 0; i < port->nr_in; i++)
		size += sysfs_emit_at(buf, size, "in %pUl %llu %llu %llu %llu\n", &port->in[i].from,
				      port->in[i].received, port->in[i].expected, port->in[i].gaps,
				      port->in[i].doubles);
	mutex_unlock(&ts_fabric_lock);
	return size;
}
static DEVICE_ATTR_RO(links);

struct attribute *ts_traffic_attrs[] = {
	&dev_attr_id.attr,
	&dev_attr_peer.attr,
	&dev_attr_traffic.attr,
	&dev_attr_dma.attr,
	&dev_attr_counters.attr,
	&dev_attr_links.attr,
	NULL,
};
