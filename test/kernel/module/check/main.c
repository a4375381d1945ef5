// SPDX-License-Identifier: GPL-2.0-only
/* transship-mdev-check UUID UUID: two devices that nobody has open. Exit code 0 when every item holds. */
#include <stdlib.h>

#include "check.h"

struct device first, second;
bool item_good;

static void prepare(struct device *device)
{
	attribute_set(device, "protocol", "1");
	attribute_set(device, "ndma", "1");
	attribute_set(device, "mmap", "1");
	attribute_set(device, "segment_kib", "32");
	attribute_set(device, "state_kib", "128");
	attribute_set(device, "link_us", "5000");
	attribute_set(device, "traffic_us", "1000");
	device_open(device);
}

static void link_up(const struct device *from, const struct device *to)
{
	char id[64];

	attribute_get(to, "id", id, sizeof(id));
	attribute_set(from, "peer", id);
	attribute_set(from, "traffic", "1");
}

static unsigned int run(const struct item *items, bool traffic)
{
	unsigned int failed = 0;

	for (; items->name; items++) {
		device_reset(&first);
		device_reset(&second);
		if (traffic) {
			link_up(&first, &second);
			link_up(&second, &first);
		}
		item_good = true;
		items->prove();
		printf("%s %s\n", items->name, item_good ? "ok" : "FAILED");
		failed += !item_good;
	}
	return failed;
}

int main(int count, char **words)
{
	unsigned int failed;

	if (count != 3) {
		fprintf(stderr, "usage: %s UUID UUID\n", words[0]);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	first.uuid = words[1];
	second.uuid = words[2];
	prepare(&first);
	prepare(&second);
	failed = run(state_items, false) + run(traffic_items, true) + run(stream_items, false);
	device_close(&first);
	device_close(&second);
	printf("%u failed\n", failed);
	return failed ? 1 : 0;
}
