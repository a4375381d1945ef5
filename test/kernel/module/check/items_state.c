// SPDX-License-Identifier: GPL-2.0-only
/* Region, registers and state writes. */
#include "check.h"

#define CONFIG ((off_t)7 << 40)
#define BAR0 ((off_t)0)
#define BAR1 ((off_t)1 << 40)

static const uint32_t valid[] = {
	0,    RUNNING,	      SAVING,	     SAVING | RUNNING,	      RESUMING,
	NDMA, NDMA | RUNNING, NDMA | SAVING, NDMA | SAVING | RUNNING, NDMA | RESUMING};
#define VALIDS (sizeof(valid) / sizeof(valid[0]))

static void d01_region(void)
{
	EXPECT(first.index == 10); /* behind a decoy: it has to be found by its type */
	EXPECT(first.region_size > 4096);
	EXPECT(state_get(&first) == RUNNING);
	EXPECT(!state_set(&first, SAVING));
	EXPECT(field_get(&first, REG_PENDING) > 0);
	EXPECT(field_get(&first, REG_OFFSET) >= 32);
	EXPECT(field_get(&first, REG_SIZE) > 0);
}

static void d02_width(void)
{
	static const struct {
		off_t offset;
		size_t size;
	} wrong[] = {{0, 1},  {0, 2},  {0, 8},	{2, 4},	 {1, 4}, {8, 4},
		     {12, 4}, {12, 8}, {16, 4}, {24, 2}, {32, 4}};
	uint64_t value = 0;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		EXPECT(pread(first.fd, &value, wrong[i].size, (off_t)first.region + wrong[i].offset) < 0);
		EXPECT(pwrite(first.fd, &value, wrong[i].size, (off_t)first.region + wrong[i].offset) < 0);
	}
}

static void d03_default(void)
{
	EXPECT(state_get(&first) == RUNNING);
}

static void d04_complete(void)
{
	double start = seconds();

	attribute_set(&first, "quiesce_ms", "150");
	EXPECT(!state_set(&first, NDMA | RUNNING));
	EXPECT(seconds() - start >= 0.15);
	EXPECT(state_get(&first) == (NDMA | RUNNING));
	attribute_set(&first, "quiesce_ms", "0");
}

static void d05_several_bits(void)
{
	size_t from, to;

	for (from = 0; from < VALIDS; from++)
		for (to = 0; to < VALIDS; to++) {
			bool leaves = (valid[from] & RESUMING) && !(valid[to] & RESUMING);

			device_reset(&first);
			EXPECT(!state_set(&first, valid[from]));
			EXPECT(!state_set(&first, valid[to]) == !leaves); /* nothing was loaded */
			EXPECT(state_get(&first) == (leaves ? valid[from] : valid[to]));
		}
}

static void d06_no_change(void)
{
	size_t i, look;

	for (i = 0; i < VALIDS; i++) {
		device_reset(&first);
		EXPECT(!state_set(&first, valid[i]));
		for (look = 0; look < 5; look++) {
			sleep_ms(5);
			EXPECT(state_get(&first) == valid[i]);
		}
	}
}

static void d07_failure(void)
{
	attribute_set(&first, "fault", "refuse StopCopy EBUSY 1");
	EXPECT(state_set(&first, SAVING) == EBUSY);
	EXPECT(state_get(&first) == RUNNING);
	attribute_set(&first, "fault", "error StopCopy EIO 1");
	EXPECT(state_set(&first, SAVING) == EIO);
	EXPECT(state_get(&first) == ERROR);
	EXPECT(state_set(&first, RUNNING) != 0);
	EXPECT(state_get(&first) == ERROR);
}

static void d08_reset(void)
{
	size_t i;

	for (i = 0; i < VALIDS; i++) {
		EXPECT(!state_set(&first, valid[i]));
		device_reset(&first);
		EXPECT(state_get(&first) == RUNNING);
	}
	attribute_set(&first, "fault", "error any EIO 1");
	EXPECT(state_set(&first, 0) == EIO);
	device_reset(&first);
	EXPECT(state_get(&first) == RUNNING);
}

static void d09_never_valid(void)
{
	uint32_t value;

	for (value = 0; value < 16; value++)
		if ((value & RESUMING) && (value & (SAVING | RUNNING))) {
			EXPECT(state_set(&first, value) == EINVAL);
			EXPECT(state_get(&first) == RUNNING);
		}
}

static void d11_config_answers(void)
{
	uint16_t command = 6, got = 0;
	uint32_t entry = 0x1234, back = 0;

	EXPECT(!state_set(&first, 0));
	EXPECT(pwrite(first.fd, &command, sizeof(command), CONFIG + 4) == sizeof(command));
	EXPECT(pread(first.fd, &got, sizeof(got), CONFIG + 4) == sizeof(got) && got == command);
	EXPECT(pwrite(first.fd, &entry, sizeof(entry), BAR1) == sizeof(entry));
	EXPECT(pread(first.fd, &back, sizeof(back), BAR1) == sizeof(back) && back == entry);
}

static void d12_other_regions(void)
{
	char before[64], after[64];
	uint8_t byte = 0;

	EXPECT(!state_set(&first, 0));
	attribute_get(&first, "digest", before, sizeof(before));
	EXPECT(pwrite(first.fd, "x", 1, BAR0) == 1);
	EXPECT(pread(first.fd, &byte, 1, BAR0) == 1 && byte == 0xff);
	attribute_get(&first, "digest", after, sizeof(after));
	EXPECT(*before && !strcmp(before, after));
	EXPECT(state_get(&second) == RUNNING);
}

static void d15_without_ndma(void)
{
	EXPECT(first.ndma);
	device_close(&first);
	attribute_set(&first, "ndma", "0");
	device_open(&first);
	EXPECT(!first.ndma);
	EXPECT(state_set(&first, NDMA | RUNNING) == EINVAL);
	EXPECT(state_get(&first) == RUNNING);
	device_close(&first);
	attribute_set(&first, "ndma", "1");
	device_open(&first);
}

static void d18_superfluous(void)
{
	EXPECT(!state_set(&first, NDMA));
	EXPECT(state_get(&first) == NDMA);
	EXPECT(!state_set(&first, 0));
	EXPECT(!state_set(&first, NDMA | SAVING));
	EXPECT(field_get(&first, REG_PENDING) > 0);
}

static void d19_reserved(void)
{
	uint32_t value = 5;

	EXPECT(pwrite(first.fd, &value, sizeof(value), (off_t)first.region + REG_RESERVED) == sizeof(value));
	EXPECT(pread(first.fd, &value, sizeof(value), (off_t)first.region + REG_RESERVED) == sizeof(value));
	EXPECT(value == 0);
	EXPECT(!state_set(&first, 0x50 | RUNNING));
	EXPECT(state_get(&first) == (0x50 | RUNNING));
}

const struct item state_items[] = {
	{"D-01", d01_region},	      {"D-02", d02_width},	   {"D-03", d03_default},
	{"D-04", d04_complete},	      {"D-05", d05_several_bits},  {"D-06", d06_no_change},
	{"D-07", d07_failure},	      {"D-08", d08_reset},	   {"D-09", d09_never_valid},
	{"D-11", d11_config_answers}, {"D-12", d12_other_regions}, {"D-15", d15_without_ndma},
	{"D-18", d18_superfluous},    {"D-19", d19_reserved},	   {NULL, NULL},
};
