// SPDX-License-Identifier: GPL-2.0-only
/* What the devices do to each other; traffic goes both ways when an item begins. */
#include "check.h"

static void d10_stopped(void)
{
	char before[64], after[64];
	long sent, lost;

	EXPECT(counter_exceeds(&first, "received", 0) && counter_exceeds(&second, "received", 0));
	EXPECT(counter(&second, "lost") == 0);
	EXPECT(!state_set(&first, 0));
	attribute_get(&first, "digest", before, sizeof(before));
	sent = counter(&first, "sent");
	lost = counter(&second, "lost");
	EXPECT(counter_exceeds(&second, "lost", lost)); /* DMA into it is lost, and its sender knows */
	attribute_get(&first, "digest", after, sizeof(after));
	EXPECT(counter(&first, "sent") == sent);
	EXPECT(*before && !strcmp(before, after));
}

static void d16_quiesce(void)
{
	long sent;

	EXPECT(counter_exceeds(&first, "sent", 0));
	EXPECT(!state_set(&first, NDMA | RUNNING));
	EXPECT(counter(&first, "in_flight_at_quiesce") > 0); /* there was something to wait for */
	EXPECT(counter(&first, "in_flight") == 0);
	sent = counter(&first, "sent");
	sleep_ms(60);
	EXPECT(counter(&first, "sent") == sent);
	EXPECT(counter(&first, "lost") == 0 && counter(&second, "gaps") == 0);
	EXPECT(!state_set(&first, RUNNING));
	EXPECT(counter_exceeds(&first, "sent", sent));
}

/* The UART's interrupt on data, for which bit 0 of its second register asks. */
static void d16_interrupts(void)
{
	int events = interrupt_open(&first, 0);
	uint64_t count;

	EXPECT(pwrite(first.fd, "\x01", 1, 1) == 1);
	EXPECT(pwrite(first.fd, "a", 1, 0) == 1);
	EXPECT(read(events, &count, sizeof(count)) == sizeof(count) && count == 1);
	EXPECT(!state_set(&first, NDMA | RUNNING));
	EXPECT(pwrite(first.fd, "b", 1, 0) == 1);
	EXPECT(read(events, &count, sizeof(count)) < 0 && errno == EAGAIN);
	EXPECT(!state_set(&first, 0));
	EXPECT(read(events, &count, sizeof(count)) < 0 && errno == EAGAIN);
	EXPECT(!state_set(&first, RUNNING));
	EXPECT(read(events, &count, sizeof(count)) == sizeof(count)); /* it was kept */
	close(events);
}

static void d17_quiesced_answers(void)
{
	uint8_t byte = 0;
	long received;

	EXPECT(!state_set(&first, NDMA | RUNNING));
	received = counter(&first, "received");
	EXPECT(counter_exceeds(&first, "received", received));
	EXPECT(counter(&second, "lost") == 0);
	EXPECT(pwrite(first.fd, "\x5a", 1, 7) == 1); /* the UART's scratch register */
	EXPECT(pread(first.fd, &byte, 1, 7) == 1 && byte == 0x5a);
}

const struct item traffic_items[] = {
	{"D-10", d10_stopped},		{"D-16", d16_quiesce}, {"D-16 interrupts", d16_interrupts},
	{"D-17", d17_quiesced_answers}, {NULL, NULL},
};
