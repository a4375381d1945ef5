// SPDX-License-Identifier: GPL-2.0-only
/* One device's side of the fabric: quiescing, stopping, and its links as they travel. */
#include "transship.h"

void ts_port_open(struct ts_device *dev, bool open)
{
	mutex_lock(&ts_fabric_lock);
	dev->port.open = open;
	mutex_unlock(&ts_fabric_lock);
	ts_fabric_kick();
}

/* Waits until all that the device itself has under way has arrived. Its peers go on meanwhile. The
 * fabric's thread ends this wait, which no signal does: a real device cannot be told to forget its
 * transactions. */
static void ts_port_drain(struct ts_device *dev)
{
	ts_fabric_kick();
	wait_event_idle(dev->wait, !READ_ONCE(dev->port.in_flight));
}

void ts_port_set_ndma(struct ts_device *dev, bool ndma)
{
	struct ts_port *port = &dev->port;

	mutex_lock(&ts_fabric_lock);
	if (ndma && !port->ndma && port->running)
		port->in_flight_at_quiesce = port->in_flight;
	port->ndma = ndma;
	mutex_unlock(&ts_fabric_lock);
	if (ndma)
		ts_port_drain(dev);
	else
		ts_fabric_kick();
}

void ts_port_set_running(struct ts_device *dev, bool running)
{
	struct ts_port *port = &dev->port;
	unsigned int i;

	mutex_lock(&ts_fabric_lock);
	if (running) {
		port->running = true;
		for (i = 0; i < port->nr_out; i++)
			port->out[i].next = ktime_get();
		mutex_unlock(&ts_fabric_lock);
		ts_fabric_kick();
		return;
	}
	if (!port->ndma)
		port->in_flight_at_quiesce = port->in_flight;
	port->quiescing = true;
	mutex_unlock(&ts_fabric_lock);
	ts_port_drain(dev);
	mutex_lock(&ts_fabric_lock);
	port->quiescing = false;
	port->running = false;
	mutex_unlock(&ts_fabric_lock);
}

void ts_port_set_bus_master(struct ts_device *dev, bool on)
{
	mutex_lock(&ts_fabric_lock);
	dev->port.bus_master = on;
	mutex_unlock(&ts_fabric_lock);
	ts_fabric_kick();
}

void ts_port_set_id(struct ts_device *dev, const guid_t *id)
{
	mutex_lock(&ts_fabric_lock);
	guid_copy(&dev->port.id, id);
	mutex_unlock(&ts_fabric_lock);
}

/* Takes the device off all links: it is nobody's peer any more. What it has under way is gone with
 * it. */
void ts_port_clear(struct ts_device *dev)
{
	struct ts_port *port = &dev->port;

	mutex_lock(&ts_fabric_lock);
	port->traffic = false;
	port->nr_out = 0;
	port->nr_in = 0;
	memset(port->out, 0, sizeof(port->out));
	memset(port->in, 0, sizeof(port->in));
	WRITE_ONCE(port->in_flight, 0);
	port->in_flight_at_quiesce = 0;
	port->work = 0;
	guid_copy(&port->id, &dev->uuid);
	mutex_unlock(&ts_fabric_lock);
}

void ts_port_save(struct ts_device *dev, struct ts_final *final)
{
	const struct ts_port *port = &dev->port;
	unsigned int i;

	mutex_lock(&ts_fabric_lock);
	guid_copy(&final->id, &port->id);
	final->traffic = port->traffic;
	final->work = port->work;
	final->nr_out = port->nr_out;
	final->nr_in = port->nr_in;
	for (i = 0; i < port->nr_out; i++)
		final->out[i] = port->out[i].record;
	for (i = 0; i < port->nr_in; i++)
		final->in[i] = port->in[i];
	mutex_unlock(&ts_fabric_lock);
}

/* The counts of `final` have been checked. */
void ts_port_load(struct ts_device *dev, const struct ts_final *final)
{
	struct ts_port *port = &dev->port;
	unsigned int i;

	mutex_lock(&ts_fabric_lock);
	guid_copy(&port->id, &final->id);
	port->traffic = final->traffic;
	port->work = final->work;
	port->nr_out = final->nr_out;
	port->nr_in = final->nr_in;
	memset(port->out, 0, sizeof(port->out));
	for (i = 0; i < final->nr_out; i++)
		port->out[i].record = final->out[i];
	for (i = 0; i < final->nr_in; i++)
		port->in[i] = final->in[i];
	mutex_unlock(&ts_fabric_lock);
}

/* Links that stay keep their numbers; what the others have under way is gone. */
int ts_port_set_peers(struct ts_device *dev, const guid_t *peers, unsigned int count)
{
	struct ts_port *port = &dev->port;
	unsigned int i, j;
	struct ts_out *links = kcalloc(TS_LINKS, sizeof(*links), GFP_KERNEL);

	if (!links)
		return -ENOMEM;
	mutex_lock(&ts_fabric_lock);
	WRITE_ONCE(port->in_flight, 0);
	for (i = 0; i < count; i++) {
		guid_copy(&links[i].record.to, &peers[i]);
		links[i].next = ktime_get();
		for (j = 0; j < port->nr_out; j++)
			if (guid_equal(&port->out[j].record.to, &peers[i]))
				links[i] = port->out[j];
		WRITE_ONCE(port->in_flight, port->in_flight + links[i].count);
	}
	memcpy(port->out, links, sizeof(port->out));
	port->nr_out = count;
	mutex_unlock(&ts_fabric_lock);
	kfree(links);
	ts_fabric_kick();
	wake_up_all(&dev->wait);
	return 0;
}
