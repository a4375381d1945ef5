// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interconnect: one thread moves all peer-to-peer transactions of the module.
 *
 * Transaction n of a link is under way for link_us, then the receiver's memory takes it if the
 * receiver is RUNNING (quiesced or not), else it is lost and counted by its sender, whose state is
 * not final before its last transaction has arrived. A link whose receiver nobody has open holds
 * its sender back.
 */
#include <linux/kthread.h>
#include <linux/sched.h>

#include "transship.h"

#define TS_PAYLOAD 64u /* bytes of one transaction */
#define TS_GRANULARITY (NSEC_PER_MSEC) /* events nearer to each other are handled together */
#define TS_BACKLOG (20 * NSEC_PER_MSEC) /* a sender kept off longer does not catch up */
#define TS_WORK_INTERVAL (10 * NSEC_PER_MSEC) /* of rewriting own memory */

DEFINE_MUTEX(ts_fabric_lock);
static LIST_HEAD(ts_devices);
static struct task_struct *ts_thread;
static bool ts_kicked;

struct ts_device *ts_fabric_find(const guid_t *id)
{
	struct ts_device *dev, *found = NULL;

	list_for_each_entry(dev, &ts_devices, entry) {
		if (!dev->port.open || !guid_equal(&dev->port.id, id))
			continue;
		if (dev->port.running)
			return dev;
		found = dev;
	}
	return found;
}

static bool ts_may_initiate(const struct ts_device *dev)
{
	const struct ts_port *port = &dev->port;

	return port->open && port->running && !port->ndma && !port->quiescing &&
	       (port->bus_master || !READ_ONCE(dev->options.bus_master));
}

static struct ts_in_record *ts_in_of(struct ts_port *port, const guid_t *from)
{
	unsigned int i;

	for (i = 0; i < port->nr_in; i++)
		if (guid_equal(&port->in[i].from, from))
			return &port->in[i];
	if (port->nr_in == TS_LINKS)
		return NULL;
	memset(&port->in[i], 0, sizeof(port->in[i]));
	guid_copy(&port->in[i].from, from);
	port->nr_in++;
	return &port->in[i];
}

/* Every sender has its own part of the receiver's memory, in which its transactions go round. */
static size_t ts_landing(const struct ts_memory *memory, unsigned int sender, u64 number)
{
	unsigned long pages = max(memory->pages / TS_LINKS, 1UL);
	unsigned long first = sender * pages % memory->pages;

	return first * PAGE_SIZE + number % (pages * PAGE_SIZE / TS_PAYLOAD) * TS_PAYLOAD;
}

static void ts_deliver(struct ts_device *from, struct ts_out *out, u64 number)
{
	struct ts_device *to = ts_fabric_find(&out->record.to);
	struct ts_in_record *in;
	u64 payload[TS_PAYLOAD / sizeof(u64)];

	in = to && to->port.running ? ts_in_of(&to->port, &from->port.id) : NULL;
	if (!in) {
		out->record.lost++;
		return;
	}
	if (number < in->expected) {
		in->doubles++;
	} else {
		in->gaps += number - in->expected;
		in->expected = number + 1;
	}
	in->received++;
	ts_fill_random(payload, sizeof(payload), number);
	ts_memory_write(&to->memory, ts_landing(&to->memory, in - to->port.in, number), payload,
			sizeof(payload));
	if (wq_has_sleeper(&to->wait))
		wake_up_all(&to->wait);
}

static void ts_arrivals(struct ts_device *dev, struct ts_out *out, ktime_t now)
{
	while (out->count && ktime_compare(out->flights[out->head].due, now) <= 0) {
		u64 number = out->flights[out->head].number;

		out->head = (out->head + 1) % TS_DEPTH;
		out->count--;
		ts_deliver(dev, out, number);
		WRITE_ONCE(dev->port.in_flight, dev->port.in_flight - 1);
	}
	if (!dev->port.in_flight)
		wake_up_all(&dev->wait);
}

static void ts_departures(struct ts_device *dev, struct ts_out *out, ktime_t now)
{
	u64 interval = max(READ_ONCE(dev->options.traffic_us), 100u) * (u64)NSEC_PER_USEC;
	ktime_t oldest = ktime_sub_ns(now, TS_BACKLOG);

	if (ktime_before(out->next, oldest))
		out->next = oldest;
	while (ktime_compare(out->next, now) <= 0) {
		if (out->count < TS_DEPTH && ts_fabric_find(&out->record.to)) {
			struct ts_flight *flight = &out->flights[(out->head + out->count) % TS_DEPTH];

			flight->number = out->record.sent++;
			flight->due = ktime_add_us(now, READ_ONCE(dev->options.link_us));
			out->count++;
			WRITE_ONCE(dev->port.in_flight, dev->port.in_flight + 1);
		}
		out->next = ktime_add_ns(out->next, interval);
	}
}

/* Own memory that the device rewrites while it runs, quiesced or not. */
static void ts_own_work(struct ts_device *dev, ktime_t now)
{
	struct ts_port *port = &dev->port;
	u64 rate = READ_ONCE(dev->options.dirty_kib_s);
	unsigned int i, pages;

	if (!rate || !port->open || !port->running || ktime_before(now, port->work_next))
		return;
	port->work_next = ktime_add_ns(now, TS_WORK_INTERVAL);
	pages = clamp_t(u64, rate * 1024 / PAGE_SIZE / (NSEC_PER_SEC / TS_WORK_INTERVAL), 1, 1024);
	for (i = 0; i < pages; i++) {
		u64 seed = ts_mix(port->work++, 0x776f726bULL);

		ts_memory_scramble(&dev->memory, seed % dev->memory.pages, seed);
	}
	if (wq_has_sleeper(&dev->wait))
		wake_up_all(&dev->wait);
}

/* Does what is due; returns when the next thing is. */
static ktime_t ts_advance(ktime_t now)
{
	struct ts_device *dev;
	ktime_t due = KTIME_MAX;
	unsigned int i;

	list_for_each_entry(dev, &ts_devices, entry) {
		struct ts_port *port = &dev->port;

		for (i = 0; i < port->nr_out; i++) {
			struct ts_out *out = &port->out[i];

			ts_arrivals(dev, out, now);
			if (port->traffic && ts_may_initiate(dev)) {
				ts_departures(dev, out, now);
				due = min(due, out->next);
			}
			if (out->count)
				due = min(due, out->flights[out->head].due);
		}
		ts_own_work(dev, now);
		if (READ_ONCE(dev->options.dirty_kib_s) && port->open && port->running)
			due = min(due, port->work_next);
	}
	return due;
}

static int ts_fabric_run(void *unused)
{
	while (!kthread_should_stop()) {
		ktime_t due, now = ktime_get();

		WRITE_ONCE(ts_kicked, false);
		mutex_lock(&ts_fabric_lock);
		due = ts_advance(now);
		mutex_unlock(&ts_fabric_lock);
		if (due != KTIME_MAX)
			due = max(due, ktime_add_ns(now, TS_GRANULARITY));
		set_current_state(TASK_IDLE);
		if (!READ_ONCE(ts_kicked) && !kthread_should_stop()) {
			if (due == KTIME_MAX)
				schedule();
			else
				schedule_hrtimeout_range(&due, TS_GRANULARITY / 4, HRTIMER_MODE_ABS);
		}
		__set_current_state(TASK_RUNNING);
	}
	return 0;
}

/* Something may be due sooner than the thread believes. */
void ts_fabric_kick(void)
{
	WRITE_ONCE(ts_kicked, true);
	wake_up_process(ts_thread);
}

int ts_fabric_start(void)
{
	ts_thread = kthread_run(ts_fabric_run, NULL, "transship_fabric");
	return PTR_ERR_OR_ZERO(ts_thread);
}

void ts_fabric_stop(void)
{
	kthread_stop(ts_thread);
}

void ts_fabric_add(struct ts_device *dev)
{
	mutex_lock(&ts_fabric_lock);
	list_add_tail(&dev->entry, &ts_devices);
	mutex_unlock(&ts_fabric_lock);
}

void ts_fabric_remove(struct ts_device *dev)
{
	mutex_lock(&ts_fabric_lock);
	list_del(&dev->entry);
	mutex_unlock(&ts_fabric_lock);
}
